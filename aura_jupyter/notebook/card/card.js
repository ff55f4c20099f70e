/**
 * The status card. It draws the picture that aura_jupyter/view/picture.py makes and knows nothing else of a task.
 *
 * draw(node, source) draws into a node and keeps it up to date; it returns a function that ends that.
 *   source.get()     the picture
 *   source.on(f)     calls f after each change; returns a function that stops it
 *   source.send(m)   hands a message to the kernel; missing where there is none: then the card is what was last saved
 *   source.opened    what was asked for and has come: row -> {key, blocks}
 *   source.lost      whether the kernel is gone
 *   source.skew      how many milliseconds the page's clock is ahead of the kernel's
 * The default export is the anywidget: the same with a source over its model.
 *
 * Whatever comes from a task becomes a text node. Nothing here parses HTML.
 * It travels with each card, so it is written for size as well: closures, whose names the build shortens, and no classes.
 */

const RING = "M13.5 8a5.5 5.5 0 1 1-11 0 5.5 5.5 0 0 1 11 0z";
const DISC = "M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0z";
const SLASH = "M4.2 11.8l7.6-7.6";
// pairs of a class and a path, 16 px: f is filled, k is cut out of it, d is dashed, t is thin, w is wide
const ICONS = {
  queued: ["", RING, "", "M8 5.25V8l2 1.5"],
  pending: ["t", "M12.5 8a4.5 4.5 0 1 1-9 0 4.5 4.5 0 0 1 9 0z"],
  running: ["w", "M8 2.75a5.25 5.25 0 1 1-5.25 5.25"],
  retry: ["", "M12.9 6.2A5.3 5.3 0 1 0 13.3 8.6", "", "M13.4 2.9v3.4H10"],
  asks: ["f", DISC, "k", "M6.3 6.5a1.75 1.75 0 1 1 2.5 1.6c-.5.25-.8.55-.8 1.1M8 11.2v.01"],
  completed: ["", "M3.5 8.5 6.5 11.5 12.5 4.5"],
  failed: ["f", DISC, "k", "M5.75 5.75l4.5 4.5M10.25 5.75l-4.5 4.5"],
  handled: ["", RING, "", "M6 6l4 4M10 6l-4 4"],
  skipped: ["", "M4.5 8h7"],
  cancelling: ["d", RING, "", SLASH],
  cancelled: ["", RING, "", SLASH],
  lost: ["d", RING],
  warn: ["", "M8 2.5 14 13H2zM8 6.5v3M8 11.2v.01"],
};

const attr = (node, attributes) => {
  for (const name in attributes) node.setAttribute(name, attributes[name]);
  return node;
};

/** An element: `el("span.a-t", …children)`. */
const el = (what, ...children) => {
  const [tag, ...classes] = what.split(".");
  const node = document.createElement(tag);
  node.className = classes.join(" ");
  node.append(...children);
  return node;
};

const icon = (kind) => {
  const svg = (tag, attributes) => attr(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes);
  const node = svg("svg", { class: `a-i a-${kind}`, viewBox: "0 0 16 16", "aria-hidden": true });
  const parts = ICONS[kind] ?? [];
  // all rings turn in step, whenever they began
  const style = `animation-delay:-${performance.now() % 2000}ms`;
  for (let i = 0; i < parts.length; i += 2) node.append(svg("path", { class: parts[i], d: parts[i + 1], style }));
  return node;
};

const button = (what, label, press) => {
  const node = el(`button.${what}`, label);
  node.onclick = press;
  return node;
};

const STYLES = { b: "b", c: "span.a-c", s: "s", u: "u" };
const spans = (list) => list.map(([style, text]) => (STYLES[style] ? el(STYLES[style], text) : text));

const setText = (node, text) => {
  if (node.textContent !== text) node.textContent = text;
};

/** Whole seconds, as a running clock shows them. */
const clock = (ms) => {
  const s = Math.max(0, ms / 1000) | 0;
  const m = (s / 60) | 0;
  const h = (m / 60) | 0;
  const d = (h / 24) | 0;
  const pair = (big, units, small) => `${big} ${units[0]} ${String(small).padStart(2, 0)} ${units[1]}`;
  return d ? pair(d, "dh", h % 24) : h ? pair(h, "hm", m % 60) : m ? pair(m, "ms", s % 60) : `${s} s`;
};

const elapsed = ({ time, started }, now) => time || (started ? clock(now - started) : "");

const line = (cells, tag) => el("tr", ...cells.map((cell, i) => el(i ? tag : "th", cell)));
const table = (what, heads, rows) =>
  el(`table${what}`, heads ? el("thead", line(heads, "th")) : "", el("tbody", ...rows.map((cells) => line(cells, "td"))));

const drawBlock = ({ label, text, ask, choices, pairs, code, log, table: frame, error }, answer) => {
  const err = error ? ".err" : "";
  let body;
  if (ask) {
    body = el("div.a-btns", ...choices.map((choice, i) => button(i ? "a-btn" : "a-btn.go", choice, () => answer(choice, body))));
    return [el("p", ask), body];
  }
  if (pairs) body = table(".a-kv", 0, pairs.map(([name, value, extra]) => [name, ...spans([value]), extra]));
  else if (frame) body = el("div.a-df", table("", frame.columns, frame.rows), frame.more);
  else if (code) body = el(`pre${err}`, ...code.flatMap((line, i) => [i ? "\n" : "", ...spans(line)]));
  else if (log) body = el("pre.wrap.a-log", el("div", ...log.map(([quiet, said]) => el("span", el("s", quiet), said))));
  else body = el(`pre.wrap${err}`, text);
  body.tabIndex = 0; // what may scroll has to be reached by the keyboard
  return [label ? el("p.a-lab", label) : "", body];
};

const download = ({ name, text }) => {
  const link = el("a");
  link.href = `data:,${encodeURIComponent(text)}`;
  link.download = name;
  link.click();
};

/** A row: made once and changed in place, so that focus, scrolling and moving bars are kept. */
const makeRow = (card) => {
  const li = el("li");
  let expanded = false;
  let row, kind, touched, opened, box, boxKey, until, note, mark;
  const word = el("span.a-vh");
  const name = el("span");
  const names = el("span.a-n", word, name);
  const bar = el("span.a-bar", el("i"), el("i.bad"));
  const percent = el("b.a-num");
  const text = el("span");
  const detail = el("span.a-d", bar, percent, text);
  const time = el("span.a-t");
  const head = button("a-row", "", () => {
    touched = true;
    expanded = !expanded;
    drawOpen();
  });

  head.replaceChildren(el("span"), names, detail, time);

  const drawDetail = ({ low, detail: list, bar: share, until: end }) => {
    bar.hidden = percent.hidden = !share;
    if (share) {
      bar.firstChild.style.width = `${share.done}%`;
      bar.lastChild.style.width = `${share.failed}%`;
      setText(percent, share.percent);
    }
    text.replaceChildren(...spans(list));
    until = end && text.lastChild;
    detail.className = low ? "a-d low" : "a-d";
    detail.title = text.textContent;
  };

  /** What a person has to see opens by itself, once; what a person closed stays closed. */
  const openItself = () => {
    const wants = row.open && kind;
    if (touched || wants === opened) return;
    opened = wants;
    expanded = !!wants;
  };

  const answer = (choice, buttons) => {
    buttons.inert = true;
    card.ask({ kind: "answer", row: row.id, choice });
  };

  const drawOpen = () => {
    const can = row.blocks || (row.more && card.send);
    head.disabled = !can;
    if (can) attr(head, { "aria-expanded": expanded });
    else head.removeAttribute("aria-expanded");
    const shown = (expanded && can && ((row.more && card.opened(row)) || row.blocks)) || [];
    const key = JSON.stringify(shown);
    if (key === boxKey) return;
    boxKey = key;
    box?.remove();
    box = el("div.a-open", ...shown.flatMap((block) => drawBlock(block, answer)));
    if (shown.length) li.append(box);
  };

  const tick = (now) => {
    setText(time, elapsed(row, now));
    if (until) setText(until, clock(row.until - now + 999));
  };

  const draw = (next) => {
    const lost = card.ended() === "lost" && next.started;
    if (next === row && mark === card.ended()) return;
    row = next;
    mark = card.ended();
    li.style.setProperty("--d", row.depth ?? 0);
    if (row.sec) {
      li.className = "a-sec";
      return setText(li, row.sec);
    }
    li.className = `a-${row.icon ?? "io"} ${row.par ? `par ${row.par}` : ""}`;
    if (!head.parentNode) li.append(head);
    const nextKind = lost ? "lost" : row.icon;
    if (kind !== nextKind) {
      kind = nextKind;
      head.firstChild.replaceWith(icon(kind));
    }
    setText(word, kind ? `${lost ? "Running when the kernel stopped" : row.word}: ` : "");
    setText(name, row.name);
    names.title = row.name;
    drawDetail(lost ? { detail: [["", "Was running"]] } : row);
    if (row.note && !note) head.after((note = el("div.a-note", icon("warn"), ...spans(row.note))));
    tick(card.now());
    openItself();
    drawOpen();
  };

  return {
    li,
    draw,
    tick: (now) => {
      if (row.started) tick(now);
      if (expanded) drawOpen(); // what opens under it may have grown
    },
  };
};

export const draw = (node, source) => {
  const asked = {};
  let rows = new Map();
  let state, ended, drawnKind, drawnButton, timer;

  const title = el("strong.a-title");
  const time = el("span.a-t");
  const phrase = el("p");
  const main = button("a-btn", "", () => {
    const { kind, label, busy } = drawnButton;
    setText(main, busy ?? label); // said at once, also where a cell holds the kernel
    main.disabled = true;
    ask({ kind });
  });
  const said = attr(el("span.a-vh"), { role: "status" });
  const progress = el("div.a-p");
  const copyId = button("a-q", "Copy id", async () => {
    try {
      await navigator.clipboard.writeText(state.task_id);
      setText(copyId, "Copied");
      setTimeout(() => setText(copyId, "Copy id"), 2000);
    } catch {
      prompt("Id", state.task_id); // a page that is not secure has no clipboard
    }
  });
  const save = button("a-q", "Save spec", () => ask({ kind: "spec" }));
  const list = el("ol.a-rows");
  const headLine = el("div.a-h1", icon(""), title, time);
  const root = attr(
    el(
      "div.aura.aura-card",
      el("div.a-head", headLine, el("div.a-h2", phrase, main)),
      said,
      progress,
      el("div.a-tabs", el("span.a-on", "Steps"), copyId, save),
      list,
    ),
    { role: "group" },
  );

  const send = (message) => ended || source.send?.({ ...message, task_id: state.task_id });
  const now = () => (ended ? state.now : Date.now() - (source.skew ?? 0));

  /** A press counts once, whichever way it reaches the kernel: a listener on the page may take it over. */
  const ask = (what) => {
    const message = { ...what, task_id: state.task_id, press: Math.random() };
    const plain = () => send(message);
    const options = { bubbles: true, cancelable: true, detail: { message, plain } };
    if (root.dispatchEvent(new CustomEvent("aura:ask", options))) plain();
  };

  /** What opens under a row, as far as it has come; asks for it, for each row once a second at the most. */
  const opened = ({ id, key }) => {
    const known = source.opened[id];
    if (known?.key !== key && !(Date.now() - asked[id] < 1000)) {
      asked[id] = Date.now();
      send({ kind: "open", row: id, key });
    }
    return known?.blocks;
  };

  const card = {
    ask,
    now,
    send: source.send,
    ended: () => ended,
    opened,
  };

  const words = () => {
    if (!ended) return state.phrase;
    const facts = state.phrase.slice(1).map(([, text]) => text).join("");
    const at = new Date(state.now).toTimeString().slice(0, 8);
    if (ended === "lost") return [["b", "The kernel stopped while this ran."], ["", ` Last seen at ${at}${facts}`]];
    return [["b", `As last saved at ${at.slice(0, 5)}`], ["", facts]];
  };

  const drawHead = () => {
    const kind = ended === "lost" ? "warn" : state.icon;
    if (kind !== drawnKind) {
      drawnKind = kind;
      headLine.firstChild.replaceWith(icon(kind));
    }
    setText(title, state.title);
    title.title = state.title;
    attr(root, { "aria-label": `Task ${state.title}` });
    phrase.replaceChildren(...spans(words()));
    setText(said, ended ? phrase.textContent : state.said);
    progress.replaceChildren(
      ...state.bar.map(([kind, share]) => attr(el(`i.${ended && kind === "run" ? "off" : kind}`), { style: `width:${share}%` })),
    );
    main.hidden = ended || !source.send || !state.button;
    if (state.button && state.button !== drawnButton) {
      drawnButton = state.button;
      setText(main, drawnButton.label);
      main.disabled = drawnButton.off;
    }
    save.hidden = ended || !state.spec || !source.send;
  };

  const drawRows = () => {
    const before = rows;
    rows = new Map();
    let place = list.firstChild;
    for (const row of state.rows) {
      const drawn = before.get(row.id) ?? makeRow(card);
      before.delete(row.id);
      rows.set(row.id, drawn);
      drawn.draw(row);
      if (drawn.li === place) place = place.nextSibling;
      else list.insertBefore(drawn.li, place);
    }
    for (const { li } of before.values()) li.remove();
  };

  const tick = () => {
    const at = now();
    setText(time, elapsed(state, at));
    for (const row of rows.values()) row.tick(at);
  };

  const drawAll = () => {
    state = source.get();
    ended = state.final ? "" : state.lost || source.lost ? "lost" : source.send ? "" : "saved";
    root.classList.toggle("still", ended);
    drawHead();
    drawRows();
    clearInterval(timer);
    if (state.started && !state.final && !ended) timer = setInterval(() => document.hidden || tick(), 1000);
    tick();
  };

  node.append(root);
  root.aura = source.get;
  const off = source.on(drawAll);
  drawAll();
  return () => {
    off();
    clearInterval(timer);
    root.remove();
  };
};

/** The picture after a message of changes. */
export const merge = (state, { head, rows = [], order, rev, now }) => {
  const byId = new Map(state.rows.map((row) => [row.id, row]));
  for (const row of rows) byId.set(row.id, row);
  return { ...state, ...head, rev, now, rows: (order ?? [...byId.keys()]).map((id) => byId.get(id)) };
};

/** A source over a widget's model. */
const sourceOf = (model) => {
  const listeners = new Set();
  let state;
  const source = {
    opened: {},
    get: () => state,
    send: (message) => model.send(message),
    on: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  const hello = (rev) => model.send({ kind: "hello", rev });
  const tell = () => listeners.forEach((listener) => listener());
  const set = (next) => {
    state = next;
    source.skew = Date.now() - next.now;
    tell();
  };
  model.on("change:picture", () => set(model.get("picture")));
  model.on("comm_live_update", () => {
    // the kernel is gone, or back: then it answers
    source.lost = true;
    setTimeout(tell, 500);
    try {
      hello();
    } catch {}
  });
  model.on("msg:custom", (message) => {
    const { kind, rev } = message;
    source.lost = false;
    if (kind === "state") set(message.state);
    else if (kind === "spec") download(message);
    else if (kind === "opened") {
      source.opened[message.row] = message;
      tell();
    } else if (rev === state.rev + 1) set(merge(state, message));
    else if (rev > state.rev) hello();
  });
  set(model.get("picture"));
  hello(state.rev); // what was sent before this page listened is not sent again
  return source;
};

/** Called once for each model; its views share a source, so that a second one begins with what the first one knows. */
export default () => {
  let source;
  return {
    initialize: ({ model }) => {
      source = sourceOf(model);
    },
    render: ({ el: node }) => draw(node, source),
  };
};
