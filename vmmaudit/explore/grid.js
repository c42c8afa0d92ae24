// The matrix as a grid (WAI-ARIA, pattern "grid"): a place is chosen by a click, by Enter or by
// space, and the arrow keys move. The markup was escaped where it was made, in Python.
// Without a kernel nothing answers: the matrix is shown, and nothing else happens.
const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

function render({ model, el }) {
  el.dataset.lmSuppressShortcuts = "true"; // JupyterLab would take Enter and the arrows
  const cells = () => [...el.querySelectorAll("td[title]")];
  const at = (row, column) => el.querySelector("tbody").rows[row]?.cells[column + 1];
  const place = (cell) => [cell.parentElement.sectionRowIndex, cell.cellIndex - 1];

  function draw() {
    el.innerHTML = model.get("markup");
    el.querySelector("table")?.setAttribute("role", "grid");
    el.querySelectorAll("th").forEach((head) =>
      head.setAttribute("role", head.scope === "row" ? "rowheader" : "columnheader"));
    for (const cell of cells()) {
      cell.setAttribute("role", "gridcell");
      cell.setAttribute("aria-label", cell.title);
      cell.tabIndex = -1;
    }
    mark();
  }

  function mark() {
    const [row, column] = model.get("place");
    const chosen = row === undefined ? null : at(row, column);
    for (const cell of cells()) cell.setAttribute("aria-selected", String(cell === chosen));
    stop(chosen ?? cells()[0]);
  }

  function stop(cell) { // the one place that the tab key stops at
    for (const other of cells()) other.tabIndex = other === cell ? 0 : -1;
  }

  function choose(cell) {
    const [row, column] = place(cell);
    model.send({ row, column });
  }

  function next(cell, key) { // where a key leads from here; at the edge nowhere
    const step = STEPS[key];
    if (step) return beyond(...place(cell), step);
    const line = cells().filter((other) => other.parentElement === cell.parentElement);
    return key === "Home" ? line[0] : line.at(-1);
  }

  function beyond(row, column, [down, right]) { // over places where there is nothing to choose
    for (;;) {
      row += down;
      column += right;
      const found = row < 0 || column < 0 ? undefined : at(row, column);
      if (!found || found.title) return found;
    }
  }

  el.addEventListener("click", (event) => {
    const cell = event.target.closest("td[title]");
    if (!cell) return;
    stop(cell);
    cell.focus();
    choose(cell);
  });
  el.addEventListener("keydown", (event) => {
    const cell = event.target.closest("td[title]");
    if (!cell || event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key === "Enter" || event.key === " ") {
      choose(cell);
    } else if (event.key in STEPS || event.key === "Home" || event.key === "End") {
      const found = next(cell, event.key) ?? cell;
      stop(found);
      found.focus();
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  });
  model.on("change:place", mark);
  model.on("change:markup", draw);
  draw();
}

export default { render };
