(() => {
  // Text from files is only ever set as textContent or in text nodes.
  const data = JSON.parse(document.getElementById("data").textContent);
  document.getElementById("data").remove();
  const [DOC, SOURCE, WORDS, CELLS, DIFFERENCES, REFERENCE] = [0, 1, 2, 3, 4, 5];
  const [TEXT, SCORE, FLAGS, QUALITY, OTHER_SOURCE, SENTENCES] = [0, 1, 2, 3, 4, 5];
  const [CHANGES, EDITS, CHRF, DISAGREEMENT, REMOVED, ADDED] = [0, 1, 2, 3, 4, 5];
  const IDENTICAL = data.changes.indexOf("identical");
  const PRINTED = 500; // rows; a printout of 50,000 is nobody's wish
  const MARGIN = 800; // pixels rendered above and below what is seen
  const rows = data.rows;
  const state = { pair: 0, query: "", change: "", flag: "", doc: "", marked: "", least: 0, most: Infinity, sort: "disagreement", down: true };
  const FIELDS = { search: "q", pair: "pair", change: "change", flag: "flag", doc: "doc", marked: "marked", least: "from", most: "to" }; // field → its name in the address
  let order = []; // numbers of the rows shown, from 0
  let active = 0; // place in the order
  let haystacks = null;

  // ---- elements ----
  const whisper = (text) => make("span", { class: "hidden" }, text);
  const count = (value, unit) => `${value} ${unit}${value === 1 ? "" : "s"}`;

  /** Text with its spans (starts and ends in turn) as <del> or <ins>, and words around them for a screen reader. */
  const mark = (text, spans, tag) => {
    const parts = document.createDocumentFragment();
    const [before, after] = tag === "del" ? [" [removed: ", "] "] : [" [added: ", "] "];
    let from = 0;
    for (let i = 0; i < spans.length; i += 2) {
      parts.append(text.slice(from, spans[i]));
      parts.append(make(tag, {}, whisper(before), text.slice(spans[i], spans[i + 1]), whisper(after)));
      from = spans[i + 1];
    }
    parts.append(text.slice(from));
    return parts;
  };

  // ---- what can be sorted and filtered ----
  const difference = (row) => row[DIFFERENCES][state.pair];
  const columns = new Map(); // `where`: the head of which column offers it; null: the menu only
  const addColumn = (key, name, value, where) => columns.set(key, { name, value, where });
  const cellColumn = (k, field) => (row) => (row[CELLS][k] ? row[CELLS][k][field] : null);
  addColumn("number", "No.", (row, n) => n, "about");
  addColumn("document", "Document", (row) => data.docs[row[DOC]], "about");
  addColumn("words", "Words", (row) => row[WORDS], "about");
  addColumn("disagreement", "Disagreement", (row) => difference(row)?.[DISAGREEMENT], "about");
  addColumn("edits", "Edits", (row) => difference(row)?.[EDITS], "about");
  addColumn("chrf", "chrF", (row) => difference(row)?.[CHRF], null);
  addColumn("change", "Change", (row) => difference(row)?.[CHANGES].map((c) => data.changes[c]).join(" "), null);
  addColumn("source", "Source", (row) => row[SOURCE], "source");
  data.systems.forEach(([key], k) => {
    addColumn(`text-${k}`, key, cellColumn(k, TEXT), k);
    if (rows.some((row) => row[CELLS][k] && row[CELLS][k][SCORE] !== null)) addColumn(`score-${k}`, `Score ${key}`, cellColumn(k, SCORE), k);
    data.metrics.forEach((metric, m) => addColumn(m ? `quality-${k}-${m}` : `quality-${k}`, `${metric} ${key}`, (row) => row[CELLS][k]?.[QUALITY][m] ?? null, k));
    addColumn(`flags-${k}`, `Flags ${key}`, (row) => (row[CELLS][k] ? row[CELLS][k][FLAGS].length : null), k);
  });
  const gap = (value) => (row) => {
    const [a, b] = data.pairs[state.pair].map((k) => (row[CELLS][k] ? value(row[CELLS][k]) : null));
    return a === null || b === null ? null : b - a;
  };
  if (columns.has("score-0")) addColumn("score-gap", "Score gap", gap((cell) => cell[SCORE]), null);
  data.metrics.forEach((metric, m) => addColumn(m ? `quality-gap-${m}` : "quality-gap", `${metric} gap`, gap((cell) => cell[QUALITY][m] ?? null), null));
  if (data.reference) addColumn("reference", "Reference", (row) => row[REFERENCE], "reference");

  const haystack = (n) => {
    haystacks ??= new Array(rows.length);
    haystacks[n] ??= [rows[n][SOURCE], ...rows[n][CELLS].map((cell) => (cell ? cell[TEXT] : "")), rows[n][REFERENCE] ?? ""].join("\n").toLowerCase();
    return haystacks[n];
  };
  const hasFlag = (row, flag) => row[CELLS].some((cell) => cell && cell[FLAGS].includes(flag));
  const passes = (row, n) => {
    if (row[WORDS] < state.least || row[WORDS] > state.most) return false;
    if (state.doc !== "" && row[DOC] !== Number(state.doc)) return false;
    const found = difference(row);
    if (state.change === "changed" && (!found || (found[CHANGES].length === 1 && found[CHANGES][0] === IDENTICAL))) return false;
    if (state.change !== "" && state.change !== "changed" && !(found && found[CHANGES].includes(Number(state.change)))) return false;
    if (state.flag === "any" && !row[CELLS].some((cell) => cell && cell[FLAGS].length)) return false;
    if (state.flag === "differ" && !flagsDiffer(row)) return false;
    if (/^\d+$/.test(state.flag) && !hasFlag(row, Number(state.flag))) return false;
    if (state.marked && marks.has(n) !== (state.marked === "yes")) return false;
    return !state.query || haystack(n).includes(state.query);
  };
  const flagsDiffer = (row) => new Set(data.pairs[state.pair].map((k) => (row[CELLS][k] ? row[CELLS][k][FLAGS].join() : ""))).size > 1;

  /** Fill `order` from the state. Rows without a value come last, whichever way it goes. */
  const select = () => {
    order = [];
    active = 0;
    rows.forEach((row, n) => { if (passes(row, n)) order.push(n); });
    const { value } = columns.get(state.sort);
    const values = new Map(order.map((n) => [n, value(rows[n], n) ?? null]));
    const sign = state.down ? -1 : 1;
    order.sort((a, b) => {
      const [x, y] = [values.get(a), values.get(b)];
      if (x === y) return a - b;
      if (x === null || y === null) return x === null ? 1 : -1;
      return (typeof x === "string" ? compareText(x, y) : x - y) * sign || a - b;
    });
    heights.reset();
    show();
    at("none").hidden = order.length > 0;
    at("count").textContent = order.length === rows.length ? `${number(rows.length)} rows` : `${number(order.length)} of ${number(rows.length)} rows`;
  };
  const compareText = new Intl.Collator("en").compare;

  // ---- a row ----
  const chips = (names, kind) => names.map((name) => make("span", { class: `chip ${kind}` }, name));
  const about = (row, n) => {
    const found = difference(row);
    const cell = make("div", { class: "about", role: "rowheader" });
    cell.append(make("span", { class: "number" }, `#${n + 1}`), " ", make("span", {}, data.docs[row[DOC]]));
    if (found) {
      cell.append(make("div", { class: "chips" }, ...chips(found[CHANGES].map((c) => data.changes[c]), "")));
      const alone = data.changes[found[CHANGES][0]] === "unpaired";
      cell.append(make("div", {}, count(row[WORDS], "word") + (alone ? "" : `, ${count(found[EDITS], "edit")}, chrF ${found[CHRF].toFixed(0)}`)));
    }
    const copy = make("button", { type: "button", "aria-label": `Copy a link to row ${n + 1}` }, "Link");
    copy.addEventListener("click", () => copyLink(n));
    cell.append(copy, " ");
    const [first, second] = data.pairs[state.pair];
    if (row[CELLS][first] && row[CELLS][second]) cell.append(betterButtons(n, [first, second].map((k) => data.systems[k][0])));
    return cell;
  };
  const betterButtons = (n, [first, second]) => {
    const choices = [["first", first, `${first} is better`], ["equal", "=", "equal"], ["second", second, `${second} is better`]];
    const group = make("span", { class: "better", role: "group", "aria-label": `Row ${n + 1}: which is better` });
    for (const [value, text, name] of choices) {
      const button = make("button", { type: "button", "aria-pressed": String(marks.of(n).better[state.pair] === value), "aria-label": name, title: name }, text);
      button.addEventListener("click", () => marks.setBetter(n, state.pair, value));
      group.append(button);
    }
    return group;
  };
  const errorList = (n, k) => {
    const list = make("ul", { class: "errors" });
    marks.of(n).errors.forEach(({ system, start, end, severity }, place) => {
      if (system !== k) return;
      const drop = make("button", { type: "button", "aria-label": "Take this mark away" }, "×");
      drop.addEventListener("click", () => marks.dropError(n, place));
      list.append(make("li", {}, make("b", {}, severity), ` ${rows[n][CELLS][k][TEXT].slice(start, end)} `, drop));
    });
    return list.children.length ? [list] : [];
  };
  const textCell = (label, content, meta = []) => {
    const cell = make("div", { class: "text", role: "cell" }, make("span", { class: "label", "aria-hidden": "true" }, label), make("span", { class: "words" }, content));
    if (meta.length) cell.append(make("div", { class: "meta" }, ...meta));
    return cell;
  };
  const systemCell = (row, n, k) => {
    const cell = row[CELLS][k];
    const [key, label] = data.systems[k];
    const name = `${key} ${label}`;
    if (!cell) return textCell(name, make("span", { class: "none" }, "no such row"));
    const found = difference(row);
    const [first, second] = data.pairs[state.pair];
    let content = cell[TEXT] === "" ? make("span", { class: "none" }, "empty") : cell[TEXT];
    if (found && k === first) content = mark(cell[TEXT], found[REMOVED], "del");
    if (found && k === second) content = mark(cell[TEXT], found[ADDED], "ins");
    const figures = [];
    if (cell[SCORE] !== null) figures.push(`score ${cell[SCORE].toFixed(3)}`);
    data.metrics.forEach((metric, m) => { if (cell[QUALITY][m] !== null) figures.push(`${metric} ${figure(cell[QUALITY][m])}`); });
    if (cell[SENTENCES].length > 1) figures.push(`${cell[SENTENCES].length} sentences`);
    const meta = figures.length ? [figures.join(", ")] : [];
    if (cell[FLAGS].length) meta.push(make("div", { class: "chips" }, ...chips(cell[FLAGS].map((f) => data.flags[f]), "flag")));
    if (cell[OTHER_SOURCE] !== null) meta.push(make("div", {}, "its source: ", cell[OTHER_SOURCE]));
    const element = textCell(name, content, [...meta, ...errorList(n, k)]);
    element.dataset.system = String(k);
    return element;
  };
  const figure = (value) => (Math.abs(value) >= 2 ? value.toFixed(0) : value.toPrecision(2));
  const makeRow = (place) => {
    const n = order[place];
    const row = rows[n];
    const element = make("div", { class: "row", role: "row", "aria-rowindex": String(place + 2), "data-number": String(n + 1), tabindex: place === active ? "0" : "-1" });
    element.append(about(row, n), textCell("Source", row[SOURCE] || make("span", { class: "none" }, "not given")));
    data.systems.forEach((_, k) => element.append(systemCell(row, n, k)));
    if (data.reference) element.append(textCell("Reference", row[REFERENCE] ?? make("span", { class: "none" }, "none")));
    if (place === active) element.classList.add("active");
    element.addEventListener("focusin", () => activate(place));
    return element;
  };

  // ---- the list: only the rows near the screen exist; heights are guessed, then measured ----
  const heights = {
    known: new Float64Array(0), tree: new Float64Array(0),
    /** Guess from the longest text and the width of a column; a Fenwick tree adds them up. */
    reset() {
      const narrow = matchMedia("(max-width: 48rem)").matches;
      const shown = data.systems.length + 1 + (data.reference ? 1 : 0);
      const width = Math.max(120, (at("list").clientWidth - (narrow ? 0 : 200)) / (narrow ? 1 : shown) - 16);
      this.known = new Float64Array(order.length);
      this.tree = new Float64Array(order.length + 1);
      order.forEach((n, place) => {
        const row = rows[n];
        const lengths = [row[SOURCE].length, ...row[CELLS].map((cell) => (cell ? cell[TEXT].length : 0)), row[REFERENCE]?.length ?? 0];
        const lines = (length) => Math.max(1, Math.ceil((length * 7.6) / width)) * 23;
        const text = narrow ? lengths.reduce((sum, length) => sum + lines(length) + 42, 60) : lines(Math.max(...lengths)) + 40;
        this.known[place] = Math.max(112, text);
        this.tree[place + 1] = this.known[place];
      });
      for (let i = 1; i <= order.length; i++) {
        const parent = i + (i & -i);
        if (parent <= order.length) this.tree[parent] += this.tree[i];
      }
    },
    set(place, height) {
      const change = height - this.known[place];
      this.known[place] = height;
      for (let i = place + 1; i <= order.length; i += i & -i) this.tree[i] += change;
      return change;
    },
    before(place) {
      let sum = 0;
      for (let i = place; i > 0; i -= i & -i) sum += this.tree[i];
      return sum;
    },
    /** The row in which a height lies. */
    find(height) {
      let place = 0;
      let left = height;
      for (let step = 1 << 30 >>> Math.clz32(order.length || 1) - 1; step; step >>= 1) {
        if (place + step <= order.length && this.tree[place + step] <= left) { place += step; left -= this.tree[place]; }
      }
      return Math.min(place, Math.max(0, order.length - 1));
    },
  };
  let first = 0;
  let last = -1;
  /** Pixels at the top of the screen that rows go under. */
  const stuck = () => at("tools").offsetHeight + at("head").offsetHeight;
  const listTop = () => at("rows").getBoundingClientRect().top + scrollY;
  const viewTop = () => scrollY - listTop();

  const fill = (from, to) => {
    const box = at("window");
    const kept = new Map([...box.children].map((element) => [Number(element.dataset.place), element]));
    const elements = [];
    for (let place = from; place < to; place++) {
      const element = kept.get(place) ?? makeRow(place);
      element.dataset.place = String(place);
      elements.push(element);
    }
    const wanted = new Set(elements);
    for (const element of [...box.children]) if (!wanted.has(element)) element.remove();
    elements.forEach((element, i) => { if (box.children[i] !== element) box.insertBefore(element, box.children[i] ?? null); });
    [first, last] = [from, to - 1];
  };
  const measure = () => {
    let above = 0;
    const top = viewTop();
    let bottom = heights.before(first);
    for (const element of at("window").children) {
      const place = Number(element.dataset.place);
      bottom += heights.known[place];
      const change = heights.set(place, element.getBoundingClientRect().height);
      if (bottom <= top) above += change;
    }
    at("rows").style.height = `${heights.before(order.length)}px`;
    at("window").style.transform = `translateY(${heights.before(first)}px)`;
    return above;
  };
  let printing = false;
  /** Render what is near the screen; what turns out higher or lower above it must not move what is seen. */
  const update = () => {
    if (printing) return;
    const top = viewTop();
    const from = heights.find(Math.max(0, top - MARGIN));
    const to = order.length ? Math.min(order.length, heights.find(Math.max(0, top + innerHeight + MARGIN)) + 1) : 0;
    fill(from, to);
    const above = measure();
    if (Math.abs(above) >= 1) scrollBy({ top: above, behavior: "instant" });
    highlight();
  };
  /** Everything anew. */
  const show = () => {
    at("window").replaceChildren();
    at("list").setAttribute("aria-rowcount", String(order.length + 1));
    update();
    update();
    header();
  };
  let waiting = false;
  const soon = () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; update(); });
  };

  const activate = (place) => {
    if (place === active && at("window").querySelector(".active")) return;
    for (const element of at("window").children) {
      const is = Number(element.dataset.place) === place;
      element.classList.toggle("active", is);
      element.tabIndex = is ? 0 : -1;
    }
    active = place;
  };
  /** Bring a row to the upper part of the screen and give it the keyboard. */
  const go = (place) => {
    if (place < 0 || place >= order.length) return;
    const room = stuck() + 4;
    for (let i = 0; i < 4; i++) { // what is rendered on the way corrects the guessed heights
      const top = listTop() + heights.before(place) - room;
      const visible = place >= first && place <= last && top >= scrollY && top + room + heights.known[place] <= scrollY + innerHeight;
      if (visible) break;
      scrollTo({ top, behavior: "instant" });
      update();
    }
    activate(place);
    at("window").querySelector(".active")?.focus({ preventScroll: true });
  };
  const step = (by, changed) => {
    let place = active;
    const focused = at("window").contains(document.activeElement);
    if (!focused && !changed && by > 0) return go(active);
    do place += by; while (changed && place >= 0 && place < order.length && isIdentical(order[place]));
    return go(place);
  };
  const isIdentical = (n) => (difference(rows[n])?.[CHANGES] ?? []).includes(IDENTICAL);

  /** Show a row by its number, even if the filters hide it. */
  const reveal = (n) => {
    if (!(n >= 0 && n < rows.length)) { say(`There is no row ${n + 1}.`); return; }
    if (!order.includes(n)) clear();
    go(order.indexOf(n));
  };
  // ---- the address tells what is shown: filters, order, row ----
  const address = (row) => {
    const found = new URLSearchParams();
    for (const [id, name] of Object.entries(FIELDS)) {
      const value = id === "doc" && at(id).value !== "" ? data.docs[at(id).value] : id === "change" && /^\d+$/.test(at(id).value) ? data.changes[at(id).value]
        : id === "flag" && /^\d+$/.test(at(id).value) ? data.flags[at(id).value] : at(id).value;
      if (value !== "" && !(id === "pair" && value === "0")) found.set(name, value);
    }
    if (state.sort !== "disagreement" || !state.down) found.set("sort", `${state.down ? "-" : ""}${state.sort}`);
    if (row !== undefined) found.set("row", String(row + 1));
    return found.size ? `#${found}` : "";
  };
  let written = null;
  const writeAddress = (row) => {
    const wanted = address(row);
    written = wanted;
    if (wanted !== location.hash) history.replaceState(null, "", wanted || "#"); // a page from disk may change nothing else of its address
  };
  /** The fields, the order and the row that the address asks for; what it does not name is as at the beginning. */
  const readAddress = () => {
    if (written !== null && location.hash === written) return;
    const asked = new URLSearchParams(location.hash.slice(1));
    const numbered = (names, value) => { const place = names.indexOf(value); return place < 0 ? value : String(place); };
    for (const [id, name] of Object.entries(FIELDS)) {
      let value = asked.get(name) ?? (id === "pair" ? "0" : "");
      if (id === "doc") value = numbered(data.docs, value);
      if (id === "change") value = numbered(data.changes, value);
      if (id === "flag") value = numbered(data.flags, value);
      if (at(id).type === "number" && !/^\d*$/.test(value)) value = "";
      at(id).value = value;
      if (at(id).value !== value) at(id).value = id === "pair" ? "0" : ""; // what no menu has
    }
    const sort = (asked.get("sort") ?? "-disagreement").replace(/^-/, "");
    state.down = !asked.has("sort") || asked.get("sort").startsWith("-");
    state.sort = columns.has(sort) ? sort : "disagreement";
    at("sort").value = state.sort;
    direction();
    take();
    written = location.hash;
    const row = Number(asked.get("row"));
    if (row) reveal(row - 1);
    else if (location.hash && asked.size && [...asked.keys()].some((name) => Object.values(FIELDS).includes(name))) scrollTo({ top: listTop() - stuck(), behavior: "instant" });
  };
  const copyLink = async (n) => {
    writeAddress(n);
    try {
      await navigator.clipboard.writeText(location.href);
    } catch { // a page from disk may not use the clipboard everywhere
      const field = make("textarea", { class: "hidden" });
      field.value = location.href;
      document.body.append(field);
      field.select();
      document.execCommand("copy");
      field.remove();
      at("window").querySelector(".active")?.focus({ preventScroll: true });
    }
    say(`The link to row ${n + 1} is copied.`);
    const button = at("window").querySelector(`[data-number="${n + 1}"] button`);
    if (button) { button.textContent = "Copied"; setTimeout(() => { button.textContent = "Link"; }, 1500); }
  };
  const highlight = () => {
    if (!globalThis.CSS?.highlights) return;
    CSS.highlights.delete("search");
    if (!state.query) return;
    const ranges = [];
    const walker = document.createTreeWalker(at("window"), NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const text = walker.currentNode.data.toLowerCase();
      if (text.length !== walker.currentNode.data.length) continue; // İ and the like grow when lowered
      for (let i = text.indexOf(state.query); i >= 0; i = text.indexOf(state.query, i + 1)) {
        const range = new Range();
        range.setStart(walker.currentNode, i);
        range.setEnd(walker.currentNode, i + state.query.length);
        ranges.push(range);
      }
    }
    CSS.highlights.set("search", new Highlight(...ranges));
  };

  // ---- header and tools ----
  const header = () => {
    const line = make("div", { class: "row", role: "row", "aria-rowindex": "1" });
    const group = (where, title) => {
      const cell = make("div", { role: "columnheader" }, ...(title ? [make("div", {}, title)] : []));
      const sorts = make("div", { class: "sorts" });
      for (const [key, column] of columns) {
        if (column.where !== where) continue;
        const sorted = key === state.sort;
        if (sorted) cell.setAttribute("aria-sort", state.down ? "descending" : "ascending");
        const arrow = make("span", { "aria-hidden": "true" }, sorted ? (state.down ? " ↓" : " ↑") : "");
        const button = make("button", { type: "button", "data-sort": key, title: `Sort by ${column.name}` }, column.name, arrow);
        button.addEventListener("click", () => sortBy(key));
        if (sorted) button.classList.add("sorted");
        sorts.append(button);
      }
      cell.append(sorts);
      line.append(cell);
    };
    group("about");
    group("source");
    data.systems.forEach(([, label], k) => group(k, label));
    if (data.reference) group("reference");
    const focused = document.activeElement?.dataset?.sort;
    at("head").replaceChildren(line);
    if (focused) at("head").querySelector(`[data-sort="${focused}"]`)?.focus();
  };
  const sortBy = (key) => {
    const words = key === "number" || key === "document" || key === "source" || key === "reference" || key.startsWith("text-");
    state.down = key === state.sort ? !state.down : !words;
    state.sort = key;
    at("sort").value = key;
    direction();
    select();
    writeAddress();
  };
  const direction = () => {
    at("direction").textContent = state.down ? "↓ falling" : "↑ rising";
    at("direction").setAttribute("aria-label", state.down ? "falling; press for rising" : "rising; press for falling");
  };
  const options = (id, entries) => at(id).replaceChildren(...entries.map(([value, name]) => make("option", { value }, name)));
  const fillTools = () => {
    const counts = new Map();
    for (const row of rows) for (const c of difference(row)?.[CHANGES] ?? []) counts.set(c, (counts.get(c) ?? 0) + 1);
    const changes = data.changes.flatMap((name, c) => (counts.has(c) ? [[String(c), `${name} (${number(counts.get(c))})`]] : []));
    options("change", [["", "all"], ["changed", "all but identical"], ...changes]);
    at("change").value = state.change;
    if (at("change").selectedIndex < 0) { state.change = ""; at("change").value = ""; }
  };
  const fillOnce = () => {
    const flags = data.flags.flatMap((name, f) => (rows.some((row) => hasFlag(row, f)) ? [[String(f), name]] : []));
    options("flag", [["", "all"], ...(flags.length ? [["any", "any flag"], ["differ", "flags that differ"]] : []), ...flags]);
    options("doc", [["", "all"], ...data.docs.map((name, d) => [String(d), name])]);
    options("pair", data.pairs.map(([a, b], p) => [String(p), `${data.systems[a][0]} → ${data.systems[b][0]}`]));
    options("sort", [...columns].map(([key, column]) => [key, key.startsWith("text-") ? `Text ${column.name}` : column.name]));
    at("sort").value = state.sort;
    at("pair-label").hidden = data.pairs.length < 2;
    document.documentElement.style.setProperty("--columns", String(data.systems.length + 1 + (data.reference ? 1 : 0)));
    direction();
  };
  /** The state from the fields. */
  const take = () => {
    const pair = Number(at("pair").value || 0);
    Object.assign(state, {
      pair, query: at("search").value.trim().toLowerCase(), change: at("change").value, flag: at("flag").value, doc: at("doc").value, marked: at("marked").value,
      least: Number(at("least").value) || 0, most: at("most").value === "" ? Infinity : Number(at("most").value),
    });
    fillTools();
    select();
  };
  const read = () => {
    take();
    writeAddress();
    // the top of the list, if it was left
    if (viewTop() + stuck() > 0) scrollTo({ top: listTop() - stuck(), behavior: "instant" });
    update();
  };
  let timer = 0;
  const readLater = () => { clearTimeout(timer); timer = setTimeout(read, 120); };
  for (const id of ["search", "least", "most"]) at(id).addEventListener("input", readLater);
  for (const id of ["pair", "change", "flag", "doc", "marked"]) at(id).addEventListener("change", read);
  at("sort").addEventListener("change", () => { state.sort = ""; sortBy(at("sort").value); });
  at("direction").addEventListener("click", () => sortBy(state.sort));
  at("tools").addEventListener("submit", (event) => event.preventDefault());
  const clear = () => {
    for (const id of ["search", "change", "flag", "doc", "marked", "least", "most"]) at(id).value = "";
    [state.sort, state.down] = ["disagreement", true];
    at("sort").value = state.sort;
    direction();
    read();
  };
  for (const id of ["reset", "none-reset"]) at(id).addEventListener("click", clear);
  at("more").addEventListener("click", () => {
    const open = at("tools").classList.toggle("open");
    at("more").setAttribute("aria-expanded", String(open));
  });
  new ResizeObserver(() => document.documentElement.style.setProperty("--tools", `${at("tools").offsetHeight}px`)).observe(at("tools"));

  // ---- marks ----
  const countMarks = () => {
    at("export").hidden = marks.count() === 0;
    at("export").textContent = `Export ${number(marks.count())} marked`;
  };
  const marks = keepMarks(data, (n) => {
    countMarks();
    const place = order.indexOf(n);
    const shown = at("window").querySelector(`[data-number="${n + 1}"]`);
    if (place < 0 || !shown) return;
    const focus = document.activeElement;
    const focused = shown.contains(focus) && focus !== shown ? focus.getAttribute("aria-label") : null;
    const fresh = makeRow(place);
    fresh.dataset.place = String(place);
    shown.replaceWith(fresh);
    update();
    if (focus === shown) fresh.focus({ preventScroll: true });
    if (focused) [...fresh.querySelectorAll("button")].find((button) => button.getAttribute("aria-label") === focused)?.focus({ preventScroll: true });
  });
  at("export").addEventListener("click", () => marks.download());
  const judge = (value) => {
    const n = order[active];
    if (n === undefined || data.pairs[state.pair].some((k) => !rows[n][CELLS][k])) return;
    marks.setBetter(n, state.pair, value);
    say(marks.of(n).better[state.pair] ? `Row ${n + 1}: marked.` : `Row ${n + 1}: the mark is taken away.`);
  };
  let selected = null; // the text that is being marked as an error
  document.addEventListener("selectionchange", () => {
    const node = getSelection().anchorNode;
    const words = (node instanceof Element ? node : node?.parentElement)?.closest("[data-system] .words");
    const span = words && selectedSpan(words);
    if (at("errors").contains(document.activeElement)) return;
    at("errors").hidden = !span;
    if (!span) return;
    const [row, k] = [words.closest(".row"), Number(words.closest("[data-system]").dataset.system)];
    selected = { n: Number(row.dataset.number) - 1, system: k, start: span[0], end: span[1] };
    const text = rows[selected.n][CELLS][k][TEXT].slice(...span);
    at("errors-text").textContent = `Error in ${data.systems[k][0]}: “${text.length > 40 ? `${text.slice(0, 40)}…` : text}”`;
  });
  for (const button of at("errors").querySelectorAll("button")) {
    button.addEventListener("mousedown", (event) => event.preventDefault()); // or the selection would be gone
    button.addEventListener("click", () => {
      if (!selected) return;
      const { n, ...error } = selected;
      marks.addError(n, { ...error, severity: button.dataset.severity });
      getSelection().removeAllRanges();
      at("errors").hidden = true;
    });
  }
  at("help-button").addEventListener("click", () => at("help").showModal());
  at("jump").addEventListener("close", () => { if (at("jump").returnValue === "go") reveal(Number(at("jump-number").value) - 1); });

  const keys = {
    a: () => judge("first"), e: () => judge("equal"), b: () => judge("second"),
    j: () => step(1), k: () => step(-1), n: () => step(1, true), p: () => step(-1, true),
    "/": () => at("search").focus(), c: () => order.length && copyLink(order[active]), "?": () => at("help").showModal(),
    g: () => { at("jump").returnValue = ""; at("jump").showModal(); at("jump-number").select(); },
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (event.target.matches("input, select, textarea")) {
      if (event.key === "Escape") { event.target.blur(); at("window").querySelector(".active")?.focus({ preventScroll: true }); }
      return;
    }
    const inList = at("list").contains(event.target);
    const act = keys[event.key] ?? (inList && { Home: () => go(0), End: () => go(order.length - 1) }[event.key]);
    if (act) { event.preventDefault(); act(); }
  });

  // ---- light and dark, print ----
  followTheme();
  let closed = [];
  addEventListener("beforeprint", () => {
    printing = true;
    closed = [...document.querySelectorAll("details:not([open])")];
    for (const details of closed) details.open = true;
    fill(0, Math.min(PRINTED, order.length));
    at("cut").hidden = order.length <= PRINTED;
    at("cut").textContent = `${number(order.length - PRINTED)} more rows are not printed; filter to print others.`;
  });
  addEventListener("afterprint", () => { for (const details of closed) details.open = false; printing = false; at("cut").hidden = true; update(); });

  fillOnce();
  fillTools();
  select();
  performance.mark("first-row");
  addEventListener("scroll", soon, { passive: true });
  let wide = innerWidth;
  addEventListener("resize", () => { if (innerWidth !== wide) { wide = innerWidth; heights.reset(); } soon(); });
  addEventListener("hashchange", readAddress);
  document.querySelector("details.summary").addEventListener("toggle", soon);
  if (matchMedia("(max-width: 48rem)").matches) at("plots").open = false; // rows first
  for (const link of document.querySelectorAll("a[data-to]")) link.href = `#${link.dataset.to}`; // they need this script
  countMarks();
  readAddress();
})();
