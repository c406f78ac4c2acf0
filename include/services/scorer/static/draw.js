// An answer becomes elements; text is always set as text, never as markup.

const SVG = "http://www.w3.org/2000/svg";
const PAGE_ROWS = 50;
const BINS = 20;
const REASONS = 8;
const FAULTS = 8;
const NARROW = 500;
const MARGIN = 10;
// Pictures are drawn at the width they are shown, so that their text keeps its size on a phone.
const pictureWidth = () => Math.min(document.documentElement.clientWidth - 66, 704);

export function element(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

function shape(name, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

function fill(node, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

export const percent = (share) => {
  const shown = (100 * share).toFixed(1);
  return share > 0 && shown === "0.0" ? "below 0.1 %" : share < 1 && shown === "100.0" ? "above 99.9 %" : `${shown} %`;
};
// A verdict's class has its colour and its shape; `fill` is the colour of areas.
const VERDICTS = {
  Phishing: { kind: "phishing", fill: "bad", sure: (share) => `${share} likely to be phishing` },
  Suspicious: { kind: "suspicious", fill: "warn", sure: (share) => `${share} likely to be phishing: have a person look at it` },
  Legitimate: { kind: "legitimate", fill: "good", sure: (share) => `${share} likely to be legitimate` },
};
const bandOf = (probability, { block, review }) => (probability >= block ? "bad" : probability >= review ? "warn" : "good");
const drawVerdict = (name) => element("span", { class: VERDICTS[name].kind }, name);

export function drawProblem(refusal) {
  const box = element("div", { class: "card error", role: "alert" }, element("h3", {}, refusal.message));
  const draw = (faults) => element("ul", {}, ...faults.map((fault) => element("li", {}, `${place(fault)}: ${fault.detail}`)));
  const { faults } = refusal;
  if (faults.length) box.append(draw(faults.slice(0, FAULTS)));
  if (faults.length > FAULTS) {
    box.append(element("details", {}, element("summary", {}, `${faults.length - FAULTS} more`), draw(faults.slice(FAULTS))));
  }
  return box;
}

function place(fault) {
  if (fault.line) return `line ${fault.line}${fault.column ? `, ${fault.column}` : ""}`;
  return fault.field || fault.pointer;
}

export function drawOne(item, model) {
  const { sure } = VERDICTS[item.prediction];
  const box = element("div", { class: "card" });
  box.append(
    element("p", { class: "verdict" },
      element("strong", {}, drawVerdict(item.prediction)),
      element("span", {}, sure(percent(item.confidence)))),
  );
  if (item.url) box.append(element("p", { class: "meta" }, item.url));
  const reading = drawReading(item);
  if (reading) box.append(reading);
  box.append(drawScale(item.probability, model.thresholds), element("p", { class: "meta" }, `Decided by: ${item.decided_by}`));
  return box;
}

/** Show which URL was scored, where it is not the text that was sent. */
function drawReading(item) {
  if (!item.scored_url || item.scored_url === item.url) return null;
  const links = item.unwrapped ? ` (out of a link of ${item.unwrapped.join(", ")})` : "";
  return element("p", { class: "meta" }, `read as ${item.scored_url}${links}`);
}

export function drawFootnote(model, id) {
  return element("p", { class: "meta" },
    `Model ${model.pipeline}, version ${model.version}, serial ${model.serial}. Id of this answer: ${id}`);
}

/** Draw a probability on the three ranges of the verdicts. */
function drawScale(probability, { block, review }) {
  const span = pictureWidth() - 2 * MARGIN;
  const x = (share) => MARGIN + span * Math.min(share, 1);
  const words = `Probability of phishing ${percent(probability)}; Suspicious from ${percent(review)} on, Phishing from ${percent(block)} on`;
  const anchor = (share) => (share < 0.3 ? "start" : share > 0.7 ? "end" : "middle");
  const band = (fill, from, to) => shape("rect", { class: fill, x: x(from), y: 26, width: Math.max(x(to) - x(from), 0), height: 22 });
  // Each threshold has a line of its own: they may lie close to each other.
  const limit = (words, share, y) => [
    shape("line", { class: "mark", x1: x(share), x2: x(share), y1: 22, y2: y - 12 }),
    shape("text", { x: x(share), y, "text-anchor": anchor(share) }, `${words} from ${percent(share)} on`)];
  return shape("svg", { class: "picture", viewBox: `0 0 ${pictureWidth()} 100`, role: "img", "aria-label": words },
    shape("text", { x: x(probability), y: 14, "text-anchor": anchor(probability) }, `probability ${percent(probability)}`),
    band("good", 0, review), band("warn", review, block), band("bad", block, 1),
    shape("path", { class: "pin", d: `M${x(probability) - 7},18 h14 l-7,12 z` }),
    shape("line", { class: "pin", x1: x(probability), x2: x(probability), y1: 18, y2: 48 }),
    ...(review < block ? limit("Suspicious", review, 72) : []), ...limit("Phishing", block, 92));
}

/** Show which inputs, or parts of an address, moved the score, the strongest first. */
export function drawReasons(explanation, isAddress) {
  const what = isAddress ? "part" : "input";
  const beside = isAddress ? "the address without this part, or with a neutral one in its place" : "a record of which nothing is known";
  const moved = explanation.contributions.filter(({ contribution }) => Math.abs(contribution) >= 0.005);
  const strongest = Math.max(...moved.map(({ contribution }) => Math.abs(contribution)), 0);
  const draw = (entries) => element("ol", { class: "reasons" }, ...entries.map((entry) => drawReason(entry, strongest)));
  const box = element("div", { class: "card" }, element("h3", { class: "first" }, "Why"));
  if (explanation.known.length) box.append(element("ul", { class: "known" }, ...explanation.known.map((sentence) => element("li", {}, sentence))));
  if (!moved.length) return fill(box, {}, [element("p", {}, `No ${what} moves this score: it is what the model says when nothing is known.`)]);
  const exact = explanation.is_exact ? "" : " (estimated)";
  box.append(
    element("p", { class: "hint" }, `Red speaks for phishing, green against it, compared with ${beside}${exact}.`),
    draw(moved.slice(0, REASONS)));
  if (moved.length > REASONS) {
    box.append(element("details", {}, element("summary", {}, `${moved.length - REASONS} weaker reasons`), draw(moved.slice(REASONS))));
  }
  return box;
}

function drawReason({ subject, meaning, contribution }, strongest) {
  const speaks = contribution > 0 ? "for" : "against";
  const width = Math.max((100 * Math.abs(contribution)) / strongest, 1);
  const bar = shape("svg", { class: "bar", viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" },
    shape("rect", { class: contribution > 0 ? "bad" : "good", width, height: 10, rx: 1 }));
  const amount = `${contribution > 0 ? "+" : "\u2212"}${Math.abs(contribution).toFixed(2)}`;
  return element("li", {}, element("span", {}, element("strong", {}, subject), `: ${meaning}`), bar,
    element("span", { class: "amount", title: `log-odds, speaks ${speaks} phishing` }, amount));
}

export function drawMany(items, model, byLabel) {
  const box = element("div", { class: "card" });
  const counts = Object.keys(VERDICTS).map((name) => element("span", {}, drawVerdict(name), `: ${(byLabel[name] || 0).toLocaleString("en")}`));
  box.append(
    element("p", { class: "verdict" }, element("strong", {}, `${items.length.toLocaleString("en")} checked`),
      ...counts),
    drawHistogram(items, model.thresholds),
    drawTable(items));
  return box;
}

export function countLabels(items) {
  const counts = {};
  for (const { prediction } of items) counts[prediction] = (counts[prediction] || 0) + 1;
  return counts;
}

function drawHistogram(items, thresholds) {
  const counts = new Array(BINS).fill(0);
  for (const { probability } of items) counts[Math.min(Math.floor(probability * BINS), BINS - 1)] += 1;
  const highest = Math.max(...counts, 1);
  const span = pictureWidth() - 2 * MARGIN;
  const x = (share) => MARGIN + span * share;
  const bars = counts.map((count, bin) => {
    const height = count ? Math.max((110 * count) / highest, 2) : 0;
    return shape("rect", { class: bandOf((bin + 0.5) / BINS, thresholds), x: x(bin / BINS) + 1, width: span / BINS - 2, y: 130 - height, height, rx: 2 },
      shape("title", {}, `${percent(bin / BINS)} to ${percent((bin + 1) / BINS)}: ${count}`));
  });
  const { block, review } = thresholds;
  const words = `Histogram of the probability of phishing of ${items.length} items; Suspicious from ${percent(review)} on, Phishing from ${percent(block)} on`;
  const mark = (share) => shape("line", { class: "mark", x1: x(Math.min(share, 1)), x2: x(Math.min(share, 1)), y1: 8, y2: 138 });
  return shape("svg", { class: "picture", viewBox: `0 0 ${pictureWidth()} 172`, role: "img", "aria-label": words },
    ...bars,
    shape("line", { class: "axis", x1: x(0), x2: x(1), y1: 130, y2: 130 }),
    mark(review), mark(block),
    shape("text", { x: x(0), y: 148 }, "0 %"),
    shape("text", { x: x(1), y: 148, "text-anchor": "end" }, "100 %"),
    shape("text", { x: x(0.5), y: 166, "text-anchor": "middle" }, "probability of phishing; dashed: both thresholds"));
}

function drawTable(items) {
  const rows = items.map((item, index) => ({ item, number: index + 1 }));
  const hasUrls = items.some((item) => item.scored_url);
  const isNarrow = pictureWidth() < NARROW; // then an address stands below its verdict, not beside it
  const body = element("tbody");
  const caption = element("caption", { "aria-live": "polite" });
  const head = element("tr", {}, element("th", { scope: "col" }, "Row"), element("th", { scope: "col" }, "Verdict"),
    element("th", { scope: "col", class: "n" }, "Probability"));
  if (hasUrls && !isNarrow) head.append(element("th", { scope: "col" }, "Address"));
  const table = element("table", {}, caption, element("thead", {}, head), body);
  const filter = element("select", { "aria-label": "Rows to show" },
    element("option", { value: "" }, "all rows, in order"), element("option", { value: "alarms" }, "phishing and suspicious, likeliest first"),
    element("option", { value: "Phishing" }, "phishing only, likeliest first"));
  const earlier = element("button", { type: "button" }, "Earlier rows");
  const later = element("button", { type: "button" }, "Later rows");
  let first = 0;
  const show = () => {
    const isShown = ({ item }) => (filter.value === "alarms" ? item.prediction !== "Legitimate" : item.prediction === filter.value);
    const shown = filter.value ? rows.filter(isShown).sort((a, b) => b.item.probability - a.item.probability) : rows;
    const part = shown.slice(first, first + PAGE_ROWS);
    body.replaceChildren(...part.map((row) => drawRow(row, hasUrls, isNarrow)));
    caption.textContent = part.length ? `Rows ${first + 1} to ${first + part.length} of ${shown.length}` : "No such row";
    earlier.disabled = first === 0;
    later.disabled = first + PAGE_ROWS >= shown.length;
  };
  filter.addEventListener("change", () => { first = 0; show(); });
  earlier.addEventListener("click", () => { first -= PAGE_ROWS; show(); });
  later.addEventListener("click", () => { first += PAGE_ROWS; show(); });
  show();
  const pages = items.length > PAGE_ROWS ? element("div", { class: "row" }, earlier, later) : "";
  const scroll = element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Answers by row" }, table);
  return element("div", {}, element("div", { class: "row" }, filter), scroll, pages);
}

function drawRow({ item, number }, hasUrls, isNarrow) {
  const verdict = element("td", {}, drawVerdict(item.prediction));
  const row = element("tr", {}, element("th", { scope: "row" }, String(number)), verdict, element("td", { class: "n" }, percent(item.probability)));
  const address = [item.url || item.scored_url || "", ...(item.url ? [drawReading(item) || ""] : [])];
  if (hasUrls && isNarrow) verdict.append(element("div", { class: "meta" }, ...address));
  else if (hasUrls) row.append(element("td", { class: "url" }, ...address));
  return row;
}

/** Return a link that saves `blob`; the caller revokes its address when the answer goes. */
export function drawDownload(blob, name, words) {
  return element("a", { class: "button", href: URL.createObjectURL(blob), download: name }, words);
}
