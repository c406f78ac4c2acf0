// A table of many rows is shown page by page; without this script all of its rows are shown.

const PAGE_ROWS = 50;

for (const table of document.querySelectorAll("table[data-paged]")) {
  const rows = [...table.tBodies[0].rows];
  if (rows.length <= PAGE_ROWS) continue;
  const caption = table.createCaption();
  const earlier = Object.assign(document.createElement("button"), { type: "button", textContent: "Earlier rows" });
  const later = Object.assign(document.createElement("button"), { type: "button", textContent: "Later rows" });
  const buttons = Object.assign(document.createElement("div"), { className: "row" });
  let first = 0;
  const show = () => {
    rows.forEach((row, index) => { row.hidden = index < first || index >= first + PAGE_ROWS; });
    caption.textContent = `Rows ${first + 1} to ${Math.min(first + PAGE_ROWS, rows.length)} of ${rows.length}`;
    earlier.disabled = first === 0;
    later.disabled = first + PAGE_ROWS >= rows.length;
  };
  caption.setAttribute("aria-live", "polite");
  earlier.addEventListener("click", () => { first -= PAGE_ROWS; show(); });
  later.addEventListener("click", () => { first += PAGE_ROWS; show(); });
  buttons.append(earlier, later);
  table.closest(".scroll").after(buttons);
  show();
}
