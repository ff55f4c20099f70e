/**
 * The status card. It draws the picture that aura_jupyter/view/picture.py makes and knows nothing else of a task.
 *
 * draw(node, source) draws into a node and keeps it up to date; it returns a function that ends that.
 *   source.get()     the picture
 *   source.on(f)     calls f after each change, with the message where the kernel sent one; returns a function that stops it
 *   source.send(m)   hands a message to the kernel; missing where there is none: then the card is what was last saved
 *   source.more()    promises the module card_more.js, and with it `css`, the text of card_more.css, where it is to be added
 *   source.opened    what was asked for and has come: row -> {key, blocks}
 *   source.lost      whether the kernel is gone
 *   source.skew      how many milliseconds the page's clock is ahead of the kernel's
 * The default export is the anywidget: the same with a source over its model.
 *
 * What opens, the graph, the log and the filter are the second part, card_more.js, which comes when it is first needed.
 * Whatever comes from a task becomes a text node. Nothing here parses HTML.
 * It travels with each card, so it is written for size as well: closures, whose names the build shortens, and no classes.
 */

const circle = (r) => `M${8 + r} 8a${r} ${r} 0 11-${2 * r} 0 ${r} ${r} 0 01${2 * r} 0z`;
const RING = circle(5.5);
const DISC = circle(6);
const SLASH = "M4.2 11.8l7.6-7.6";
// pairs of a class and a path, 16 px: f is filled, k is cut out of it, d is dashed, t is thin, w is wide
const ICONS = {
  queued: ["", RING, "", "M8 5.25V8l2 1.5"],
  pending: ["t", circle(4.5)],
  running: ["w", "M8 2.75a5.25 5.25 0 11-5.25 5.25"],
  retry: ["", "M12.9 6.2A5.3 5.3 0 1013.3 8.6", "", "M13.4 2.9v3.4H10"],
  asks: ["f", DISC, "k", "M6.3 6.5a1.75 1.75 0 112.5 1.6c-.5.25-.8.55-.8 1.1M8 11.2v.01"],
  completed: ["", "M3.5 8.5 6.5 11.5 12.5 4.5"],
  failed: ["f", DISC, "k", "M5.75 5.75l4.5 4.5M10.25 5.75l-4.5 4.5"],
  handled: ["", RING, "", "M6 6l4 4M10 6l-4 4"],
  skipped: ["", "M4.5 8h7"],
  cancelling: ["d", RING, "", SLASH],
  cancelled: ["", RING, "", SLASH],
  lost: ["d", RING],
  warn: ["", "M8 2.5 14 13H2zM8 6.5v3M8 11.2v.01"],
};

const SLICE = 40;

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

const svg = (tag, attributes, ...children) => {
  const node = attr(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes);
  node.append(...children);
  return node;
};

/** An icon; `word` is what a screen reader says in its place. */
export const icon = (kind, word) => {
  const parts = ICONS[kind] ?? [];
  // all rings turn in step, whenever they began
  const style = `animation-delay:-${Date.now() % 2000}ms`;
  const paths = parts.flatMap((d, i) => (i % 2 ? svg("path", { class: parts[i - 1], d }) : []));
  const said = word ? { role: "img", "aria-label": `${word}:` } : { "aria-hidden": true };
  return svg("svg", { class: `a-i a-${kind}`, viewBox: "0 0 16 16", style, ...said }, ...paths);
};

const button = (what, label, press) => {
  const node = el(`button.${what}`, label);
  node.onclick = press;
  return node;
};

/** Text with a style: four tags, or code. A saved picture may be anybody's, so it names no others. */
const spans = (list) =>
  list.map(([style, text]) => (style ? el(/^([bsu]|mark)$/.test(style) ? style : "span.a-c", text) : text));

/** Tells of each part whether it has to be drawn again: only what has changed is written. */
const changes = () => {
  const known = {};
  return (part, value) => known[part] !== (known[part] = JSON.stringify(value));
};

const setText = (node, text) => {
  if (node.textContent !== text) node.textContent = text;
};

/** Whole seconds, as a running clock shows them. */
export const clock = (ms) => {
  const s = Math.max(0, ms / 1000) | 0;
  const pair = (big, small, units) =>
    `${(s / big) | 0} ${units[0]} ${String(((s % big) / small) | 0).padStart(2, 0)} ${units[1]}`;
  return s < 60 ? `${s} s` : s < 3600 ? pair(60, 1, "ms") : s < 86400 ? pair(3600, 60, "hm") : pair(86400, 3600, "dh");
};

const elapsed = ({ time, started }, now) => time || (started ? clock(now - started) : "");

/**
 * A row: made once and changed in place, so that focus, scrolling and moving bars are kept. Of a large task it may be
 * given to another step later.
 */
const makeRow = (card) => {
  const li = el("li");
  let expanded = false;
  let row, touched, opened, until, note, mark, bar;
  const isNew = changes();
  const names = el("span.a-n");
  const percent = el("b.a-num");
  const text = el("span");
  const detail = el("span.a-d", text);
  const time = el("span.a-t");
  const head = button("a-row", "", () => {
    touched = true;
    expanded = !expanded;
    drawOpen();
  });

  head.replaceChildren(el("span"), names, detail, time);

  const drawDetail = ({ low, detail: list, bar: share, until: end }) => {
    if (share) {
      if (!bar) detail.prepend((bar = el("span.a-bar", el("i"), el("i.bad"))), percent);
      bar.firstChild.style.width = `${share.done}%`;
      bar.lastChild.style.width = `${share.failed}%`;
      setText(percent, share.percent);
    }
    if (bar) bar.hidden = percent.hidden = !share;
    if (isNew("text", list)) text.replaceChildren(...spans(list));
    until = end && text.lastChild;
    detail.className = low ? "a-d low" : "a-d";
    detail.title = text.textContent;
  };

  /** What a person has to see opens by itself, once; what a person closed stays closed. */
  const openItself = () => {
    const wants = row.open && row.icon;
    if (touched || wants === opened) return;
    opened = wants;
    expanded = !!wants;
  };

  const drawOpen = () => {
    const can = row.blocks || (row.more && card.send);
    head.disabled = !can;
    head.ariaExpanded = can ? expanded : null;
    const open = expanded && can;
    if (open || li.box) card.more((more) => more.open(card, row, li, open));
  };

  const tick = (now) => {
    setText(time, elapsed(row, now));
    if (until) setText(until, clock(row.until - now + 999));
  };

  const draw = (next) => {
    const lost = card.ended() === "lost" && next.started;
    if (next === row && mark === card.ended()) return;
    if (next.id !== row?.id) expanded = touched = opened = false;
    row = next;
    mark = card.ended();
    if (isNew("depth", row.depth)) li.style.setProperty("--d", row.depth ?? 0);
    if (row.sec) {
      li.className = "a-sec";
      return setText(li, row.sec);
    }
    li.className = `a-${row.icon ?? "io"} ${row.par ? `par ${row.par}` : ""}`;
    if (!head.parentNode) li.replaceChildren(head);
    const kind = lost ? "lost" : row.icon;
    if (isNew("icon", [kind, row.word])) head.firstChild.replaceWith(icon(kind, !lost && row.word));
    setText(names, (names.title = row.name));
    drawDetail(lost ? { detail: [["", "Was running"]] } : row);
    note?.remove();
    if (row.note) head.after((note = el("div.a-note", icon("warn"), ...spans(row.note))));
    tick(card.now());
    openItself();
    drawOpen();
  };

  return {
    li,
    draw,
    used: () => touched || expanded || li.contains(document.activeElement),
    tick: (now) => {
      if (row.started) tick(now);
      if (expanded) drawOpen(); // what opens under it may have grown
    },
  };
};

export const draw = (node, source) => {
  let rows = new Map();
  let views = {};
  let waiting = [];
  let picked = "Steps";
  let state, ended, timer, part, due;
  const isNew = changes();

  const title = el("strong.a-title");
  const time = el("span.a-t");
  const phrase = el("p");
  const main = button("a-btn", "", () => {
    const { kind, label, busy } = state.button;
    setText(main, busy ?? label); // said at once, also where a cell holds the kernel
    main.disabled = true;
    ask({ kind });
  });
  const said = el("output.a-vh");
  const progress = el("div.a-p");
  const copyId = button("a-q", "Copy id", () => card.more((more) => more.copy(state.task_id, copyId)));
  const save = button("a-q", "Save spec", () => card.more(() => ask({ kind: "spec" })));
  const list = el("ol.a-rows");
  const number = el("span");
  const tabs = ["Steps", "Graph", "Log"].map((name) => attr(button("", name, () => card.show(name)), { role: "tab" }));
  tabs[2].append(number);
  const panel = attr(el("div", list), { role: "tabpanel" });
  const headLine = el("div.a-h1", icon(""), title, time);
  const root = attr(
    el(
      "div.aura.a-ui.aura-card",
      el("div.a-head", headLine, el("div.a-h2", phrase, main)),
      said,
      progress,
      el("div.a-tabs", attr(el("div", ...tabs), { role: "tablist" }), copyId, save),
      panel,
    ),
    { role: "group" },
  );

  /** All that has come is drawn at once, before the page is next painted. */
  const later = () => (due ||= requestAnimationFrame(drawAll));

  const send = (message) => ended || source.send?.({ ...message, task_id: state.task_id });
  const now = () => (ended ? state.now : Date.now() - (source.skew ?? 0));

  /** A press counts once, whichever way it reaches the kernel: a listener on the page may take it over. */
  const ask = (what) => {
    const message = { ...what, task_id: state.task_id, press: Math.random() };
    const plain = () => send(message);
    const options = { bubbles: true, cancelable: true, detail: { message, plain } };
    if (root.dispatchEvent(new CustomEvent("aura:ask", options))) plain();
  };

  const card = {
    ask,
    now,
    source,
    send: source.send && send,
    state: () => state,
    ended: () => ended,
    limit: SLICE, // rows that are drawn; of a large task more are when one scrolls down
    /** Calls with the second part: at once, or when it has come. */
    more: (use) => {
      if (part) return use(part);
      waiting.push(use);
      if (waiting.length < 2)
        source.more?.().then((module) => {
          if (module.css) root.append(el("style", module.css));
          part = module.default({ attr, button, elapsed, el, icon, list, setText, spans, svg });
          for (const each of waiting) each(part);
        });
    },
    later,
    show: (name, what) => {
      picked = name;
      drawAll();
      card.more(() => views[name]?.pick?.(what));
    },
  };

  const words = () => {
    if (!ended) return state.phrase;
    const at = new Date(state.now).toTimeString().slice(0, 8);
    const facts = state.phrase.slice(1);
    if (ended === "lost") return [["b", "The kernel stopped while this ran."], ["", ` Last seen at ${at}`], ...facts];
    return [["b", `As last saved at ${at.slice(0, 5)}`], ...facts];
  };

  const drawHead = () => {
    const kind = ended === "lost" ? "warn" : state.icon;
    if (isNew("kind", kind)) headLine.firstChild.replaceWith(icon(kind));
    setText(title, (title.title = state.title));
    root.ariaLabel = `Task ${state.title}`;
    // the page may have put other words there: that the kernel does not answer
    if (isNew("words", [words(), phrase.textContent])) phrase.replaceChildren(...spans(words()));
    setText(said, ended ? phrase.textContent : state.said);
    if (isNew("bar", state.bar))
      progress.replaceChildren(...state.bar.map(([kind, share]) => attr(el(`i.${kind}`), { style: `width:${+share}%` })));
    main.hidden = ended || !source.send || !state.button;
    if (isNew("button", state.button) && state.button) {
      setText(main, state.button.label);
      main.disabled = state.button.off;
    }
    save.hidden = ended || !state.spec || !source.send;
    setText(number, state.log ? ` ${state.log.toLocaleString("en")}` : "");
  };

  /**
   * Rows stay where they are. One that is no longer shown gives its place to a new one, or goes. Of a large task, whose
   * rows move up all the time, only those that a person has to do with keep theirs; the others get another text.
   */
  const drawRows = () => {
    const shown = state.rows.slice(0, card.limit);
    const wanted = new Set(shown.map((row) => row.id));
    const before = rows;
    const kept = (id) => {
      const known = wanted.has(id) && before.get(id);
      return known && (!state.many || known.used()) && known;
    };
    rows = new Map();
    shown.forEach((row, at) => {
      let drawn = kept(row.id);
      let free; // what stands at its place
      while ((free = list.children[at]) && !kept(free.row)) {
        if (!drawn) {
          drawn = before.get(free.row);
          break;
        }
        free.remove();
      }
      drawn ||= makeRow(card);
      if (drawn.li !== free) list.insertBefore(drawn.li, free);
      rows.set((drawn.li.row = row.id), drawn);
      drawn.draw(row);
    });
    while (list.children[rows.size]) list.lastChild.remove();
    if (!state.many && card.limit < state.rows.length) later((card.limit += SLICE));
  };

  const drawPanel = () => {
    for (const tab of tabs) tab.ariaSelected = tab.firstChild.data === picked;
    panel.ariaLabel = picked;
    const show = (what) => what === panel.firstChild || panel.replaceChildren(what);
    if (picked === "Steps" && !state.many) return show(list);
    card.more((more) => {
      const view = (views[picked] ??= more[picked](card));
      show(view.node);
      view.draw();
    });
  };

  const tick = () => {
    const at = now();
    setText(time, elapsed(state, at));
    for (const row of rows.values()) row.tick(at);
  };

  const look = () => {
    state = source.get();
    ended = state.final ? "" : state.lost || source.lost ? "lost" : source.send ? "" : "saved";
  };

  const drawAll = () => {
    due = 0;
    look();
    if (isNew("task", state.task_id)) {
      rows.clear();
      views = {};
      list.replaceChildren();
    }
    root.classList.toggle("still", ended);
    drawHead();
    drawRows();
    drawPanel();
    clearInterval(timer);
    if (state.started && !state.final && !ended) timer = setInterval(() => document.hidden || (tick(), views[picked]?.draw()), 1000);
    tick();
  };

  node.append(root);
  root.aura = source.get;
  const off = source.on((message) => {
    look();
    if (message) part?.hear(message, card, views);
    later();
  });
  drawAll();
  return () => {
    off();
    cancelAnimationFrame(due);
    clearInterval(timer);
    root.remove();
  };
};

/** The picture after a message of changes. */
export const merge = (state, { head, rows = [], order, rev, now }) => {
  const byId = new Map([...state.rows, ...rows].map((row) => [row.id, row]));
  return { ...state, ...head, rev, now, rows: (order ?? [...byId.keys()]).map((id) => byId.get(id)) };
};

/** A source over a widget's model. */
const sourceOf = (model) => {
  const listeners = new Set();
  let state, part, gotPart;
  const source = {
    opened: {},
    get: () => state,
    send: (message) => model.send(message),
    on: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    more: () => {
      part ??= new Promise((done) => (gotPart = done)).then(async ({ js, css }) => ({
        ...(await import(URL.createObjectURL(new Blob([js], { type: "text/javascript" })))),
        css,
      }));
      model.send({ kind: "more" });
      return part;
    },
  };
  const hello = (rev) => model.send({ kind: "hello", rev });
  const tell = (message) => listeners.forEach((listener) => listener(message));
  const set = (next, message) => {
    if (next.task_id !== state?.task_id) source.opened = {};
    state = next;
    source.skew = Date.now() - next.now;
    tell(message);
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
    if (kind === "state") set(message.state, message);
    else if (kind === "more") gotPart?.(message);
    else if (kind !== "change") {
      if (kind === "opened") source.opened[message.row] = message;
      tell(message);
    } else if (rev === state.rev + 1) set(merge(state, message), message);
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
