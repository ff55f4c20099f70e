/**
 * The second part of the card: what opens under a row, the filter of a large task, the graph, and the log.
 *
 * The default export takes what the first part lends (`kit`) and gives
 *   open(card, row, li, wanted)  opens a row, draws what has come of it, or closes it
 *   copy(text, from)             puts a text on the clipboard; the button says so
 *   Steps(card), Graph, Log      views: {node, draw(), hear(message), pick(what)}, made when their tab is first shown
 *   hear(message, card, views)   takes what the kernel sent
 * Whatever comes from a task becomes a text node here, too.
 */

const ROW = 26; // px; the rows of the virtual list have one height
const BOX = 20; // rows
const LINES = 10000; // of the log; older ones go
const CHUNK = 200; // lines that the browser lays out together, and only where they are in view
const ICON = { p: "pending", r: "running", c: "completed", f: "failed", h: "handled", s: "skipped", k: "skipped", x: "cancelled" };
const ENDED = "cfhskx";

export default (kit) => {
  const { attr, button, elapsed, el, icon, list, setText, spans, svg } = kit;
  const number = (n) => n.toLocaleString("en");
  const word = (kind) => (kind === "handled" ? "Failed, handled" : kind[0].toUpperCase() + kind.slice(1));

  // --- what opens under a row ---------------------------------------------------------------------------------------

  const cells = (tag, texts) => el("tr", ...texts.map((text, i) => attr(el(i ? tag : "th", text), i && tag === "td" ? {} : { scope: tag === "td" ? "row" : "col" })));
  const table = (what, heads, rows) =>
    el(`table${what}`, heads ? el("thead", cells("th", heads)) : "", el("tbody", ...rows.map((row) => cells("td", row))));

  const clock = (ms) => {
    const at = new Date(ms);
    return `${at.toTimeString().slice(0, 8)}.${(at.getMilliseconds() / 100) | 0}`;
  };

  /** A line of the log; the step's name in a column of `width` characters, none at 0. */
  const logLine = ([ms, step, level, text], width) => {
    const name = width ? `${step.length > width ? `${step.slice(0, width - 1)}…` : step.padEnd(width)}  ` : "";
    const loud = level === "warning" || level === "error";
    return el("span", el("s", `${clock(ms)}  ${name}`), loud ? el("u", level) : "", loud ? ` ${text}` : text, "\n");
  };

  const block = (card, answer) => ({ label, text, ask, choices, pairs, code, log, all, table: frame, png, alt, error }) => {
    const err = error ? ".err" : "";
    let body;
    if (ask) {
      if (card.ended()) return [el("p", ask)]; // nobody takes an answer any more
      body = el("div.a-btns", ...choices.map((choice, i) => button(i ? "a-btn" : "a-btn.go", choice, () => answer(choice, body))));
      return [el("p", ask), body];
    }
    if (pairs) body = table(".a-kv", 0, pairs.map(([name, value, extra]) => [name, ...spans([value]), extra]));
    else if (frame) body = el("div.a-df", table("", frame.columns, frame.rows), frame.more);
    else if (png) body = attr(el("img"), { src: `data:image/png;base64,${png}`, alt });
    else if (code) body = el(`pre${err}`, ...code.flatMap((line, i) => [i ? "\n" : "", ...spans(line)]));
    else if (log) body = el("pre.wrap.a-log", el("div", ...log.map((line) => logLine(line, 0))));
    else body = el(`pre.wrap${err}`, text);
    body.tabIndex = 0; // what may scroll has to be reached by the keyboard
    const show = all ? button("a-q", "Show all", () => card.show("Log", all)) : "";
    return [label ? el("div.a-lab", label, show) : "", body];
  };

  /** Whether something may be asked for: each once a second at the most. */
  const asked = {};
  const may = (what) => {
    if (Date.now() - asked[what] < 1000) return;
    asked[what] = Date.now();
    return true;
  };

  /** What opens under a row, as far as it has come. */
  const opened = (card, { id, key, blocks, more }) => {
    const known = card.source.opened[id];
    if (!more || !card.send) return blocks;
    if (known?.key !== key && may(`${card.state().task_id} ${id}`)) card.send({ kind: "open", row: id, key });
    return known?.blocks ?? blocks;
  };

  const open = (card, row, li, wanted) => {
    const shown = (wanted && opened(card, row)) || [];
    const key = card.ended() + JSON.stringify(shown);
    if (key === li.key) return;
    li.key = key;
    li.box?.remove();
    const answer = (choice, buttons) => {
      buttons.inert = true;
      card.ask({ kind: "answer", row: row.id, choice });
    };
    li.box = shown.length ? li.appendChild(el("div.a-open", ...shown.flatMap(block(card, answer)))) : undefined;
  };

  const copy = async (text, from) => {
    const label = from.textContent;
    try {
      await navigator.clipboard.writeText(text);
      setText(from, "Copied");
      setTimeout(() => setText(from, label), 2000);
    } catch {
      prompt("Copy", text); // a page that is not secure has no clipboard
    }
  };

  const download = ({ name, text }) => {
    const link = attr(el("a"), { href: `data:,${encodeURIComponent(text)}`, download: name });
    link.click();
  };

  const hear = (message, card, views) => {
    if (message.kind === "spec") download(message);
    for (const name in views) views[name].hear?.(message);
  };

  // --- a line above rows or log: what to look for, and chips to choose from ----------------------------------------

  const finder = (label, changed) => {
    const input = attr(el("input"), { type: "search", placeholder: label, "aria-label": label });
    const chips = el("div.a-chips");
    const found = { text: "", chip: "", node: el("div.a-find", input, chips) };
    input.oninput = () => {
      found.text = input.value.trim().toLowerCase();
      changed();
    };
    /** Chips `[word, value, number]`; what a chip says is changed in place. */
    found.offer = (offered) => {
      while (chips.children.length > offered.length) chips.lastChild.remove();
      offered.forEach(([name, value, count], i) => {
        const chip = chips.children[i] ?? chips.appendChild(el("button.a-q"));
        chip.onclick = () => {
          found.chip = value;
          changed();
        };
        setText(chip, count === undefined ? name : `${name} ${number(count)}`);
        attr(chip, { "aria-pressed": value === found.chip });
      });
    };
    return found;
  };

  // --- the rows of a large task -------------------------------------------------------------------------------------

  const Steps = (card) => {
    let names, marks, matching, chosen, asking;
    let top = 0; // how far the box is scrolled, in px; asking the box while it changes would lay it out each time
    const known = new Map(); // the number of a step -> its row
    const drawn = new Map(); // the number of a step -> what is drawn of it
    const find = finder("Find a step", () => {
      matching = 0;
      box.scrollTop = top = 0;
      draw();
    });
    const rows = el("ol.a-virtual");
    const nothing = el("p.a-none", "No step is like that.");
    const of = el("p"); // whose it is: the row may be far above
    const pane = el("div.a-pane", of);
    const box = attr(el("div.a-box", list), { tabindex: 0, role: "group", "aria-label": "Steps" });
    const node = el("div", find.node, box, pane);

    const filtered = () => find.text || find.chip;
    const match = () => {
      matching = [];
      for (let i = 0; i < names.length; i++) {
        if (marks[i] === " " || (find.chip && !find.chip.includes(marks[i]))) continue;
        if (!find.text || names[i].toLowerCase().includes(find.text)) matching.push(i);
      }
    };

    /** One row: made anew where its state or what is known of it is new. */
    const line = (i, place) => {
      const kind = ICON[marks[i]];
      const row = known.get(i);
      const fresh = row && row.mark === marks[i];
      const time = el("span.a-t", fresh ? elapsed(row, card.now()) : "");
      const said = el("span.a-d", ...(fresh ? spans(row.detail) : []));
      const head = attr(
        button("a-row", "", () => {
          chosen = chosen === i ? undefined : i;
          draw();
        }),
        { "aria-expanded": chosen === i },
      );
      head.append(icon(kind, word(kind)), el("span.a-n", names[i]), said, time);
      return attr(el(`li.a-${kind}`, head), { "aria-posinset": place + 1, "aria-setsize": matching.length });
    };

    const firstOf = () => Math.max(0, ((top / ROW) | 0) - 5);
    const visibleSteps = () => matching.slice(firstOf(), firstOf() + BOX + 10);
    /** The steps of which more is to be known: what runs is asked after once a second. */
    const missingOf = (some) =>
      some.filter((i) => {
        const row = known.get(i);
        return row?.mark !== marks[i] || (marks[i] === "r" && Date.now() - row.at > 1000);
      });

    const drawVisible = () => {
      const first = firstOf();
      const visible = visibleSteps();
      rows.style.paddingTop = `${first * ROW}px`;
      rows.style.height = `${matching.length * ROW}px`;
      const missing = missingOf(visible);
      const focus = rows.contains(document.activeElement) && document.activeElement.parentNode.step;
      const nodes = visible.map((i, place) => {
        const key = `${marks[i]} ${chosen === i} ${known.get(i)?.at} ${matching.length}`;
        const before = drawn.get(i);
        if (before?.key === key) return before.node;
        const made = Object.assign(line(i, first + place), { step: i });
        drawn.set(i, { key, node: made });
        return made;
      });
      if (nodes.length !== rows.children.length || nodes.some((made, i) => made !== rows.children[i])) rows.replaceChildren(...nodes);
      const again = typeof focus === "number" && drawn.get(focus)?.node.firstChild;
      if (again && again !== document.activeElement) again.focus({ preventScroll: true });
      for (const i of drawn.keys()) if (!visible.includes(i)) drawn.delete(i);
      if (missing.length && card.send)
        asking ??= setTimeout(() => {
          asking = undefined;
          card.send({ kind: "rows", steps: missingOf(visibleSteps()) });
        }, 100);
    };

    const drawPane = () => {
      const wanted = filtered() && chosen !== undefined;
      pane.hidden = !wanted;
      setText(of, wanted ? names[chosen] : "");
      open(card, { id: `${chosen}`, key: `${chosen} ${marks?.[chosen]}`, more: true }, pane, wanted);
    };

    const draw = () => {
      const { many } = card.state();
      find.node.hidden = !card.send;
      find.offer(many);
      if (!filtered()) {
        chosen = undefined;
        if (box.firstChild !== list) box.replaceChildren(list);
        return drawPane();
      }
      if (!names) {
        if (card.send && may("steps")) card.send({ kind: "steps" });
        return;
      }
      if (!matching) match();
      const shown = matching.length ? rows : nothing;
      if (box.firstChild !== shown) box.replaceChildren(shown);
      if (matching.length) drawVisible();
      drawPane();
    };

    box.onscroll = () => {
      top = box.scrollTop;
      if (filtered()) return card.later();
      const limit = Math.min(card.state().rows.length, 40 * Math.ceil((top / ROW + 40) / 40));
      if (limit !== card.limit) card.later((card.limit = limit));
    };

    const hear = (message) => {
      const { kind } = message;
      if (kind === "steps") [names, marks, matching] = [message.names, [...message.marks], 0];
      else if (kind === "state" && names) card.send({ kind: "steps" }); // something was missed
      else if (kind === "rows") for (const row of message.rows) known.set(+row.id, { ...row, mark: marks[row.id], at: Date.now() });
      else if (kind === "change" && names && message.marks) {
        for (const [i, mark] of message.marks) marks[i] = mark;
        if (find.chip) matching = 0;
      }
    };

    return { node, draw, hear };
  };

  // --- the graph ----------------------------------------------------------------------------------------------------

  const Graph = (card) => {
    let drawn, marks, nodes, edges;
    const scroll = attr(el("div.a-graph"), { tabindex: 0, role: "group", "aria-label": "Graph" });
    const node = el("div", scroll, el("p.a-legend", "Solid line: runs after. Dashed: runs only on error. Double frame: a loop."));
    const pen = document.createElement("canvas").getContext("2d");

    const cut = (text, width) => {
      if (pen.measureText(text).width <= width) return text;
      const letters = [...text.slice(0, 99)]; // more than fits; each that is too many is measured
      while (letters.length && pen.measureText(`${letters.join("")}…`).width > width) letters.pop();
      return `${letters.join("")}…`;
    };

    const box = ({ at, name, x, y, dashed, loop }, [width, height]) => {
      const frame = (by) => svg("rect", { x: x + by, y: y - by, width, height, rx: 2 });
      const share = svg("path", { class: "share", d: "" });
      const title = svg("title", {});
      const group = svg("g", { class: "n" }, title, ...(loop ? [frame(3)] : []), frame(0), icon(""), svg("text", { x: x + 26, y: y + height / 2 + 4 }, cut(name, width - 32)), share);
      return { at, name, x, y, height, width, dashed, group, title, share };
    };

    const make = () => {
      const { width, height, line } = drawn;
      pen.font = getComputedStyle(scroll).font;
      nodes = drawn.nodes.map((each) => box(each, drawn.node));
      edges = drawn.edges.map(({ d, from, dashed }) => ({ from, dashed, path: svg("path", { d }) }));
      const closing = line ? [svg("path", { class: "sep", d: `M${line} 4V${height - 4}` }), svg("text", { class: "lab", x: line + 10, y: 16 }, "Finally")] : [];
      const size = { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": drawn.said };
      scroll.replaceChildren(svg("svg", size, ...edges.map(({ path }) => path), ...closing, ...nodes.map(({ group }) => group)));
    };

    const drawNode = (each, row) => {
      const kind = row?.icon ?? ICON[marks[each.at]] ?? "pending";
      const share = row?.bar?.done ?? 0;
      if (each.kind !== kind) {
        each.kind = kind;
        attr(each.group, { class: `n a-${kind} ${each.dashed ? "d" : ""}` });
        const drawnIcon = attr(icon(kind), { x: each.x + 5, y: each.y + each.height / 2 - 8, width: 16, height: 16 });
        each.group.querySelector("svg").replaceWith(drawnIcon);
        setText(each.title, `${each.name}: ${word(kind).toLowerCase()}`);
      }
      attr(each.share, { d: share ? `M${each.x + 1} ${each.y + each.height - 1}h${((each.width - 2) * share) / 100}` : "" });
    };

    const ask = () => card.send && may("graph") && card.send({ kind: "graph" });

    const draw = () => {
      if (!drawn) {
        const { graph } = card.state();
        if (!graph) return void ask();
        hear({ kind: "graph", graph });
      }
      if (!drawn.nodes) return;
      if (!nodes) make();
      const rows = new Map(card.state().rows.map((row) => [row.id, row]));
      for (const each of nodes) drawNode(each, rows.get(`${each.at}`));
      for (const { from, dashed, path } of edges) attr(path, { class: `e ${dashed ? "d" : ""} ${ENDED.includes(marks[from]) ? "on" : ""}` });
    };

    const hear = ({ kind, graph, marks: changed }) => {
      if (kind === "graph") {
        [drawn, marks, nodes] = [graph, [...(graph.marks ?? "")], 0];
        if (!graph.nodes) scroll.replaceChildren(el("p", graph.said));
        card.send?.({ kind: "steps" }); // from now on the kernel tells which marks change
      } else if (kind === "steps" && drawn) marks = [...changed];
      else if (kind === "state" && drawn) card.send({ kind: "steps" });
      else if (kind === "change" && drawn) for (const [i, mark] of changed ?? []) marks[i] = mark;
    };

    return { node, draw, hear };
  };

  // --- the log ------------------------------------------------------------------------------------------------------

  const LEVELS = [["All", ""], ["Warnings", "warning"], ["Errors", "error"]];

  const Log = (card) => {
    let lines = [...(card.state().lines ?? [])];
    let last = 0;
    let shown = 0; // how many of `lines` have been looked at
    let width = 0;
    let step = "";
    let building, asking;
    const every = attr(el("option", "Every step"), { value: "" });
    const select = attr(el("select", every), { "aria-label": "Step" });
    const find = finder("Find in the log", () => rebuild());
    const copyAll = button("a-q", "Copy", () => copy(lines.filter(wanted).map(plain).join("\n"), copyAll));
    find.node.insertBefore(select, find.node.lastChild);
    find.node.append(copyAll);
    const text = el("pre.wrap.a-log");
    const none = el("p.a-none");
    const box = attr(el("div.a-box.a-lines", text, none), { tabindex: 0, role: "log", "aria-live": "off", "aria-label": "Log" });
    const node = el("div", find.node, box);
    select.onchange = () => {
      step = select.value;
      rebuild();
    };

    const plain = ([ms, name, level, said]) => `${clock(ms)}  ${name.padEnd(width)}  ${level === "info" ? "" : `${level}: `}${said}`;
    const wanted = ([, name, level, said]) =>
      (!find.chip || level === find.chip) && (!step || name === step) && (!find.text || `${name} ${said}`.toLowerCase().includes(find.text));

    const follows = () => box.scrollHeight - box.scrollTop - box.clientHeight < 20;

    const append = (some) => {
      for (const line of some) {
        if (!wanted(line)) continue;
        if (!(text.lastChild?.childElementCount < CHUNK)) text.append(el("div"));
        text.lastChild.append(logLine(line, width));
      }
    };

    /** All anew, a slice in each frame, so that nothing else has to wait. */
    const rebuild = () => {
      cancelAnimationFrame(building);
      text.replaceChildren();
      shown = 0;
      goOn();
    };

    const goOn = () => {
      const stays = follows();
      append(lines.slice(shown, shown + 1000));
      shown = Math.min(lines.length, shown + 1000);
      if (stays) box.scrollTop = box.scrollHeight;
      building = shown < lines.length ? requestAnimationFrame(goOn) : 0;
      offer();
    };

    const offer = () => {
      find.offer(LEVELS.map(([name, level]) => [name, level, level ? lines.filter((line) => line[2] === level).length : undefined]));
      setText(none, text.firstChild ? "" : lines.length ? "No line is like that." : "Nothing was written yet.");
    };

    const learn = (some) => {
      const names = new Set([...select.options].map((option) => option.value));
      for (const [, name] of some) {
        width = Math.min(20, Math.max(width, name.length));
        if (name && !names.has(name) && names.size < 500) {
          names.add(name);
          select.append(attr(el("option", name), { value: name }));
        }
      }
    };

    const hear = (message) => {
      if (message.kind !== "log" || message.after !== last) return;
      const before = width;
      lines.push(...message.lines);
      last = message.last;
      if (lines.length > LINES) {
        lines = lines.slice(-LINES);
        shown = 0;
      }
      learn(message.lines);
      if (before !== width || !shown) rebuild();
      else if (!building) goOn();
      if (message.more) card.send({ kind: "log", after: last });
    };

    const draw = () => {
      if (card.send && card.state().log > last)
        asking ??= setTimeout(
          () => {
            asking = undefined;
            card.send({ kind: "log", after: last });
          },
          last ? 300 : 0,
        );
    };

    learn(lines);
    if (card.send) lines = [];
    goOn();
    return {
      node,
      draw,
      hear,
      pick: (name) => {
        if (!name) return;
        learn([[0, name]]);
        step = select.value = name;
        rebuild();
      },
    };
  };

  return { open, copy, hear, Steps, Graph, Log };
};
