// What a reader thinks of the rows: which of two is better, and where an error is. Kept in this browser, exported as JSON lines.
const SEVERITIES = ["minor", "major", "critical"];
/** `data`: the page's rows; `changed(n)`: a row's marks are others now. Marks of row n: better (pair → first, equal, second), errors. */
const keepMarks = (data, changed) => {
  const key = `translate compare ${data.id}`;
  const held = new Map();
  const load = () => {
    try {
      for (const [n, marks] of JSON.parse(localStorage.getItem(key) ?? "[]")) if (data.rows[n]) held.set(n, marks);
    } catch { /* a browser that keeps nothing, or something else under this name: the marks last as long as the page is open */ }
  };
  const save = (n) => {
    const marks = held.get(n);
    if (marks && !Object.keys(marks.better).length && !marks.errors.length) held.delete(n);
    try {
      localStorage.setItem(key, JSON.stringify([...held]));
    } catch { say("This browser does not keep the marks: export them before you leave the page."); }
    changed(n);
  };
  const of = (n) => held.get(n) ?? { better: {}, errors: [] };
  const edit = (n, change) => {
    const marks = held.get(n) ?? { better: {}, errors: [] };
    change(marks);
    held.set(n, marks);
    save(n);
  };
  /** The same again takes the mark away. */
  const setBetter = (n, pair, value) => edit(n, (marks) => {
    if (marks.better[pair] === value) delete marks.better[pair];
    else marks.better[pair] = value;
  });
  const addError = (n, error) => edit(n, (marks) => { marks.errors.push(error); });
  const dropError = (n, place) => edit(n, (marks) => { marks.errors.splice(place, 1); });
  const clear = () => {
    const numbers = [...held.keys()];
    held.clear();
    try { localStorage.removeItem(key); } catch { /* nothing was kept */ }
    numbers.forEach(changed);
  };
  /** A line a mark, with what is needed to find its row again: the document, and the sentences of each run. */
  const lines = () => {
    const systems = Object.fromEntries(data.systems);
    const found = [];
    for (const [n, marks] of [...held].sort(([a], [b]) => a - b)) {
      const [doc, , , cells] = data.rows[n];
      const sentences = Object.fromEntries(cells.flatMap((cell, k) => (cell ? [[data.systems[k][0], cell[5]]] : [])));
      const row = { row: n + 1, doc: data.docs[doc], systems, sentences };
      for (const [pair, better] of Object.entries(marks.better)) {
        const [first, second] = data.pairs[pair].map((k) => data.systems[k][0]);
        found.push({ mark: "better", first, second, better, ...row });
      }
      for (const { system, start, end, severity } of marks.errors) {
        const text = cells[system][0].slice(start, end);
        found.push({ mark: "error", system: data.systems[system][0], severity, start, end, text, ...row });
      }
    }
    return found.map((mark) => JSON.stringify(mark));
  };
  const download = () => {
    const link = make("a", { download: "marks.jsonl", href: URL.createObjectURL(new Blob([`${lines().join("\n")}\n`], { type: "application/jsonl" })) });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  };
  load();
  return { of, has: (n) => held.has(n), count: () => held.size, setBetter, addError, dropError, clear, lines, download };
};

/** Where a selection begins and ends in the text of an element, words for screen readers not counted; null if it is elsewhere. */
const selectedSpan = (element) => {
  const selection = getSelection();
  if (!selection.rangeCount || selection.isCollapsed) return null;
  const range = selection.getRangeAt(0);
  if (!element.contains(range.startContainer) || !element.contains(range.endContainer)) return null;
  const upTo = (node, offset) => {
    let length = 0;
    const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const text = walker.currentNode;
      const before = document.createRange();
      before.setStart(element, 0);
      before.setEnd(node, offset);
      const place = before.comparePoint(text, 0) > 0 ? 0 : text === node ? offset : before.comparePoint(text, text.length) > 0 ? 0 : text.length;
      if (!text.parentElement.closest(".hidden")) length += place;
    }
    return length;
  };
  const [start, end] = [upTo(range.startContainer, range.startOffset), upTo(range.endContainer, range.endOffset)];
  return start < end ? [start, end] : null;
};
