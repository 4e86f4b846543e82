(() => {
  const about = JSON.parse(at("about").textContent);
  const [NAME, FILE, ROWS] = [0, 1, 2];
  const [PARAGRAPH, SENTENCE, START, END, SOURCE, TARGET, SCORE, FLAGS, ORIGIN, REASONS] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
  const documents = [];
  for (const element of document.querySelectorAll("script.document")) {
    documents.push(JSON.parse(element.textContent));
    element.remove();
  }
  const CHUNK = 40; // paragraphs that are rendered at once
  const PRINTED = 2000; // paragraphs; a printout of more is nobody's wish
  const state = { doc: null, flag: "", query: "" };
  let items = []; // what is shown: [document] for a heading, [document, first row, last row] for a paragraph
  let starts = new Map(); // document → the item of its heading
  let active = null; // [document, row]

  // ---- edits: kept in the browser until they have been downloaded ----
  const edits = new Map(); // "document name\nsentence" → [source, exported target, new target]
  let saved = true;
  const keyOf = (d, r) => `${documents[d][NAME]}\n${documents[d][ROWS][r][SENTENCE]}`;
  const editOf = (d, r) => {
    const edit = edits.get(keyOf(d, r));
    const row = documents[d][ROWS][r];
    return edit && edit[0] === row[SOURCE] && edit[1] === row[TARGET] ? edit[2] : null;
  };
  const storage = `translate-show-${about.key}`;
  const restore = () => {
    try {
      for (const [key, edit] of JSON.parse(localStorage.getItem(storage) ?? "[]")) edits.set(key, edit);
    } catch { /* a browser without storage, or what another program left there */ }
  };
  const keep = () => {
    saved = false;
    try {
      localStorage.setItem(storage, JSON.stringify([...edits]));
    } catch {
      notify("This browser keeps nothing for this page: download the corrections before you close it.");
    }
  };
  const notify = (text) => { at("notice").textContent = text; at("notice").hidden = !text; head(); };
  const change = (d, r, text) => {
    const row = documents[d][ROWS][r];
    const target = text.replace(/\s+/g, " ").trim();
    if (!target || target === row[TARGET]) edits.delete(keyOf(d, r));
    else edits.set(keyOf(d, r), [row[SOURCE], row[TARGET], target]);
    keep();
    countEdits();
  };
  const edited = () => documents.flatMap((doc, d) => doc[ROWS].flatMap((row, r) => (editOf(d, r) === null ? [] : [[d, r]])));
  const countEdits = () => {
    const count = edits.size ? edited().length : 0;
    at("save").disabled = count === 0;
    at("save").textContent = count ? `Download ${number(count)} correction${count === 1 ? "" : "s"}` : "Download corrections";
  };
  const download = () => {
    const lines = edited().map(([d, r]) => {
      const row = documents[d][ROWS][r];
      return JSON.stringify({
        doc: documents[d][NAME], paragraph: row[PARAGRAPH], sentence: row[SENTENCE], start: row[START], end: row[END],
        source: row[SOURCE], target: editOf(d, r), score: null, flags: [], origin: "human",
      });
    });
    const link = make("a", { download: "corrections.jsonl" });
    link.href = URL.createObjectURL(new Blob(lines.map((line) => `${line}\n`), { type: "application/jsonl" }));
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    saved = true;
    notify(`corrections.jsonl is downloaded. This puts it into the run: ${about.command}`);
  };

  // ---- what is shown ----
  const doubts = (row) => row[FLAGS].filter((flag) => flag !== about.passthrough);
  const passes = (d, r) => {
    const row = documents[d][ROWS][r];
    const { flag, query } = state;
    if (flag === "any" && !doubts(row).length) return false;
    if (flag === "edited" && editOf(d, r) === null) return false;
    if (flag.startsWith("origin-") && row[ORIGIN] !== Number(flag.slice(7))) return false;
    if (/^\d+$/.test(flag) && !row[FLAGS].includes(Number(flag))) return false;
    return !query || row[SOURCE].toLowerCase().includes(query) || (editOf(d, r) ?? row[TARGET]).toLowerCase().includes(query);
  };
  const narrowed = () => state.flag !== "" || state.query !== "";
  const select = () => {
    items = [];
    starts = new Map();
    const found = documents.map(() => 0);
    let total = 0;
    documents.forEach((doc, d) => {
      const paragraphs = [];
      const rows = doc[ROWS];
      for (let r = 0; r < rows.length;) {
        const first = r;
        let hits = 0;
        for (; r < rows.length && rows[r][PARAGRAPH] === rows[first][PARAGRAPH]; r++) hits += passes(d, r);
        if (hits) paragraphs.push([d, first, r - 1]);
        found[d] += hits;
      }
      if (state.doc !== null && state.doc !== d) return;
      total += found[d];
      if (!paragraphs.length && narrowed()) return;
      starts.set(d, items.length);
      items.push([d], ...paragraphs);
    });
    list(found);
    at("count").textContent = `${count(total)}${narrowed() ? " found" : ""}`;
    at("none").hidden = items.length > 0;
    chunks.build();
  };

  const count = (value) => `${number(value)} sentence${value === 1 ? "" : "s"}`;

  // ---- the list of articles ----
  const list = (found) => {
    const all = make("li", {}, entry("All articles", `${count(found.reduce((a, b) => a + b, 0))}${narrowed() ? " found" : ""}`, null));
    const lines = documents.flatMap((doc, d) => {
      if (narrowed() && !found[d]) return [];
      const flagged = doc[ROWS].reduce((sum, row) => sum + (doubts(row).length > 0), 0);
      const what = narrowed() ? `${number(found[d])} found` : `${count(doc[ROWS].length)}${flagged ? `, ${number(flagged)} with flags` : ""}`;
      return [make("li", {}, entry(doc[NAME], what, d))];
    });
    at("list").replaceChildren(all, ...lines);
  };
  const entry = (name, what, d) => {
    const button = make("button", { type: "button", "aria-current": String(state.doc === d) }, name, make("small", {}, what));
    button.addEventListener("click", () => { state.doc = d; write(); select(); scrollTo({ top: 0, behavior: "instant" }); });
    return button;
  };

  // ---- the text: chunks of paragraphs, of which those near the screen exist ----
  const chunks = {
    elements: [],
    observer: new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) if (isIntersecting) chunks.fill(target); else chunks.empty(target);
    }, { rootMargin: "1500px" }),
    build() {
      this.observer.disconnect();
      this.elements = [];
      for (let first = 0; first < items.length; first += CHUNK) {
        const element = make("div", { class: "chunk" });
        element.first = first;
        element.style.minHeight = `${this.guess(first)}px`;
        this.elements.push(element);
      }
      at("chunks").replaceChildren(...this.elements);
      if (this.elements.length) this.fill(this.elements[0]);
      this.elements.forEach((element) => this.observer.observe(element));
    },
    guess(first) {
      const width = Math.max(200, at("text").clientWidth / 2);
      let height = 0;
      for (const [d, from, to] of items.slice(first, first + CHUNK)) {
        if (from === undefined) { height += 60; continue; }
        let length = 0;
        for (let r = from; r <= to; r++) length += documents[d][ROWS][r][SOURCE].length;
        height += 12 + 24 * Math.max(1, Math.ceil((length * 7.6) / width));
      }
      return Math.round(height);
    },
    fill(element) {
      if (element.firstChild) return;
      element.append(...items.slice(element.first, element.first + CHUNK).map(render));
      element.style.minHeight = "";
      highlight();
    },
    empty(element) {
      if (!element.firstChild || element.contains(document.activeElement)) return;
      element.style.minHeight = `${element.offsetHeight}px`;
      element.replaceChildren();
    },
    of(item) { return this.elements[Math.floor(item / CHUNK)]; },
  };
  const render = ([d, from, to]) => {
    if (from === undefined) return make("h2", { class: "article" }, documents[d][NAME]);
    const element = make("div", { class: "paragraph" });
    const [source, target] = [make("div", { class: "source", lang: "de" }), make("div", { class: "target", lang: "en" })];
    const notes = make("ul", { class: "doubts" });
    const rows = documents[d][ROWS];
    for (let r = from; r <= to; r++) {
      if (r > from && rows[r][START] > rows[r - 1][END]) { source.append(" "); target.append(" "); }
      source.append(sentence(d, r, "source"));
      target.append(sentence(d, r, "target"));
      notes.append(...remarks(d, r));
    }
    element.append(source, target, ...(notes.firstChild ? [notes] : []));
    return element;
  };
  const sentence = (d, r, side) => {
    const row = documents[d][ROWS][r];
    const edit = editOf(d, r);
    const theirs = edit !== null || row[ORIGIN] !== null;
    const marked = theirs ? "theirs" : doubts(row).length ? "flagged" : "";
    const element = make("span", { class: `sentence ${marked}`, tabindex: "-1" });
    if (narrowed() && !passes(d, r)) element.classList.add("other");
    if (active && active[0] === d && active[1] === r) element.classList.add("active");
    element.place = [d, r];
    if (marked && side === "target") element.append(make("sup", {}, String(row[SENTENCE] + 1)));
    element.append(side === "source" ? row[SOURCE] : edit ?? row[TARGET]);
    element.addEventListener("click", () => activate(d, r, false));
    if (side === "target") element.addEventListener("dblclick", () => openEditor(d, r));
    element.addEventListener("mouseenter", () => over(d, r, true));
    element.addEventListener("mouseleave", () => over(d, r, false));
    return element;
  };
  const remarks = (d, r) => {
    const row = documents[d][ROWS][r];
    const line = (name, meaning, kind) => make("li", { class: kind }, `${row[SENTENCE] + 1} `, make("b", {}, name), meaning ? ` ${meaning}` : "");
    const lines = [];
    if (row[ORIGIN] !== null) lines.push(line(about.origins[row[ORIGIN]], "", "theirs"));
    if (editOf(d, r) !== null) {
      const undo = make("button", { type: "button" }, "Undo");
      undo.addEventListener("click", () => { change(d, r, ""); redraw(d, r); });
      const note = line("edited here;", `it was: ${row[TARGET]} `, "theirs");
      note.append(undo);
      return [...lines, note];
    }
    return [...lines, ...doubts(row).map((flag) => line(about.flags[flag][0], row[REASONS][flag] ?? about.flags[flag][1], ""))];
  };
  const both = (d, r) => [...at("chunks").querySelectorAll(".sentence")].filter(({ place }) => place[0] === d && place[1] === r);
  const over = (d, r, on) => both(d, r).forEach((element) => element.classList.toggle("over", on));
  const itemOf = (d, r) => {
    for (let i = starts.get(d) + 1; i < items.length && items[i][0] === d; i++) if (items[i][1] <= r && r <= items[i][2]) return i;
    return -1;
  };
  const redraw = (d, r) => {
    const item = itemOf(d, r);
    if (item < 0) return;
    const chunk = chunks.of(item);
    chunk.children[item - chunk.first]?.replaceWith(render(items[item]));
  };

  // ---- moving ----
  const activate = (d, r, moving = true) => {
    const before = active;
    active = [d, r];
    if (before) both(...before).forEach((element) => element.classList.remove("active"));
    if (moving) {
      const item = itemOf(d, r);
      if (item < 0) return;
      chunks.fill(chunks.of(item));
    }
    const elements = both(d, r);
    elements.forEach((element) => element.classList.add("active"));
    const target = elements.at(-1);
    target?.focus({ preventScroll: true });
    if (moving && target) {
      for (let i = 0; i < 4; i++) { // what is rendered on the way may be higher or lower than it was guessed
        const { top, bottom } = target.getBoundingClientRect();
        if (top >= head() && bottom <= innerHeight) break;
        scrollBy({ top: top - head() - innerHeight / 4, behavior: "instant" });
      }
    }
    write();
  };
  /** The place of the next sentence for which `wanted` holds, in the order shown. */
  const step = (by, wanted) => {
    const places = (item) => {
      const [d, from, to] = item;
      return from === undefined ? [] : Array.from({ length: to - from + 1 }, (_, i) => [d, from + i]);
    };
    const shown = active ? itemOf(...active) : -1;
    let i = shown >= 0 ? shown : by > 0 ? 0 : items.length - 1;
    for (let first = true; i >= 0 && i < items.length; i += by, first = false) {
      const found = places(items[i]).filter(([d, r]) => {
        if (first && shown >= 0 && (by > 0 ? r <= active[1] : r >= active[1])) return false;
        return wanted(d, r);
      });
      if (found.length) return activate(...(by > 0 ? found[0] : found.at(-1)));
    }
    say("There is no further one.");
    return undefined;
  };
  const telling = (d, r) => (narrowed() ? passes(d, r) : doubts(documents[d][ROWS][r]).length > 0);
  const article = (by) => {
    const shown = [...starts.keys()];
    const place = active ? shown.indexOf(active[0]) + by : 0;
    if (place < 0 || place >= shown.length) { say("There is no further article."); return; }
    const d = shown[place];
    activate(d, items[starts.get(d) + 1]?.[1] ?? 0);
  };
  const openEditor = (d, r) => {
    activate(d, r, false);
    const element = both(d, r).at(-1);
    if (!element?.closest(".target") || element.querySelector("textarea")) return;
    const area = make("textarea", { "aria-label": "English sentence", lang: "en" });
    const before = editOf(d, r) ?? documents[d][ROWS][r][TARGET];
    area.value = before;
    let ended = false;
    const end = (text) => {
      if (ended) return;
      ended = true;
      if (text !== before) change(d, r, text);
      redraw(d, r);
      activate(d, r, false);
    };
    area.addEventListener("blur", () => end(area.value));
    area.addEventListener("keydown", (event) => {
      if (event.key === "Escape") { event.preventDefault(); end(before); }
      if (event.key === "Enter" && !event.shiftKey) { event.preventDefault(); end(area.value); }
      event.stopPropagation();
    });
    element.replaceChildren(area);
    area.focus();
  };
  const highlight = () => {
    if (!globalThis.CSS?.highlights) return;
    CSS.highlights.delete("search");
    if (!state.query) return;
    const ranges = [];
    const walker = document.createTreeWalker(at("chunks"), NodeFilter.SHOW_TEXT);
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

  // ---- the address: #article=…&show=…&search=…&sentence=… ----
  const write = () => {
    const words = new URLSearchParams();
    if (state.doc !== null) words.set("article", documents[state.doc][NAME]);
    if (state.flag) words.set("show", flagName());
    if (state.query) words.set("search", state.query);
    if (active) words.set("sentence", `${documents[active[0]][NAME]}:${documents[active[0]][ROWS][active[1]][SENTENCE] + 1}`);
    const hash = words.toString();
    history.replaceState(null, "", hash ? `#${hash}` : location.pathname + location.search);
  };
  const flagName = () => (/^\d+$/.test(state.flag) ? about.flags[Number(state.flag)][0] : state.flag);
  const read = () => {
    const words = new URLSearchParams(location.hash.slice(1));
    const doc = documents.findIndex((one) => one[NAME] === words.get("article"));
    const flag = about.flags.findIndex(([name]) => name === words.get("show"));
    state.doc = doc < 0 ? null : doc;
    state.flag = flag < 0 ? words.get("show") ?? "" : String(flag);
    state.query = (words.get("search") ?? "").trim().toLowerCase();
    at("flag").value = state.flag;
    if (at("flag").selectedIndex < 0) { state.flag = ""; at("flag").value = ""; }
    at("search").value = state.query;
    select();
    const found = /^(.*):(\d+)$/s.exec(words.get("sentence") ?? "");
    const d = found ? documents.findIndex((one) => one[NAME] === found[1]) : -1;
    const r = d < 0 ? -1 : documents[d][ROWS].findIndex((row) => row[SENTENCE] === Number(found[2]) - 1);
    if (r < 0) return;
    if (!starts.has(d) || itemOf(d, r) < 0) clear();
    activate(d, r);
  };
  const copyLink = async () => {
    if (!active) return;
    write();
    try {
      await navigator.clipboard.writeText(location.href);
      say("The link to this sentence is copied.");
    } catch { // a page from disk may not use the clipboard everywhere
      say("The link to this sentence is in the address bar.");
    }
  };

  // ---- tools ----
  const fillTools = () => {
    const counts = about.flags.map(() => 0);
    const origins = about.origins.map(() => 0);
    let any = 0;
    for (const doc of documents) {
      for (const row of doc[ROWS]) {
        for (const flag of row[FLAGS]) counts[flag] += 1;
        if (row[ORIGIN] !== null) origins[row[ORIGIN]] += 1;
        any += doubts(row).length > 0;
      }
    }
    const options = [["", "everything"], ["any", `any flag (${number(any)})`]];
    counts.forEach((count, flag) => { if (count) options.push([String(flag), `${about.flags[flag][0]} (${number(count)})`]); });
    origins.forEach((count, origin) => { if (count) options.push([`origin-${origin}`, `${about.origins[origin]} (${number(count)})`]); });
    options.push(["edited", "edited here"]);
    at("flag").replaceChildren(...options.map(([value, name]) => make("option", { value }, name)));
    at("meanings").replaceChildren(...about.flags.flatMap(([name, meaning]) => [make("dt", {}, name), make("dd", {}, meaning)]));
  };
  const apply = () => {
    state.query = at("search").value.trim().toLowerCase();
    state.flag = at("flag").value;
    write();
    select();
    scrollTo({ top: 0, behavior: "instant" });
  };
  let timer = 0;
  const clear = () => { Object.assign(state, { doc: null, flag: "", query: "" }); at("search").value = at("flag").value = ""; write(); select(); };
  at("search").addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(apply, 150); });
  at("flag").addEventListener("change", apply);
  at("reset").addEventListener("click", clear);
  at("save").addEventListener("click", download);
  at("help-button").addEventListener("click", () => at("help").showModal());
  at("tools").addEventListener("submit", (event) => event.preventDefault());
  const keys = {
    j: () => step(1, () => true), k: () => step(-1, () => true), n: () => step(1, telling), p: () => step(-1, telling),
    "]": () => article(1), "[": () => article(-1), "/": () => at("search").focus(), "?": () => at("help").showModal(),
    e: () => active && openEditor(...active), c: copyLink,
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (event.target.matches("input, select, textarea")) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    const act = keys[event.key] ?? (event.key === "Enter" && event.target.matches(".sentence") ? keys.e : null);
    if (act) { event.preventDefault(); act(); }
  });
  /** The height of what stays at the top, which the list of articles has to leave room for. */
  const head = () => {
    const element = document.querySelector("header");
    const height = getComputedStyle(element).position === "sticky" ? element.offsetHeight : 0;
    document.documentElement.style.setProperty("--head", `${height}px`);
    return height;
  };
  addEventListener("resize", head);
  addEventListener("hashchange", read);
  addEventListener("beforeunload", (event) => { if (!saved && edits.size) event.preventDefault(); });
  addEventListener("beforeprint", () => {
    chunks.observer.disconnect();
    chunks.elements.slice(0, PRINTED / CHUNK).forEach((element) => chunks.fill(element));
    chunks.elements.slice(PRINTED / CHUNK).forEach((element) => { element.hidden = true; });
    at("cut").hidden = items.length <= PRINTED;
    at("cut").textContent = "The rest is not printed: choose an article, or search, to print other parts.";
  });
  addEventListener("afterprint", () => {
    at("cut").hidden = true;
    chunks.elements.forEach((element) => { element.hidden = false; chunks.observer.observe(element); });
  });

  restore();
  fillTools();
  followTheme();
  countEdits();
  head();
  if (matchMedia("(max-width: 48rem)").matches) at("articles").open = documents.length < 2;
  read();
  performance.mark("first-row");
})();
