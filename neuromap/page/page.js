"use strict";
// Tables: a click on a heading sorts the table by its column; data-v holds the number behind a formatted cell.
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const sort = () => {
      const isDown = head.getAttribute("aria-sort") === "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", isDown ? "descending" : "ascending");
      const key = (row) => row.cells[column].dataset.v ?? row.cells[column].textContent;
      const body = table.tBodies[0];
      const rows = [...body.rows].sort((a, b) => {
        const x = key(a), y = key(b), nx = Number(x), ny = Number(y);
        const bothNumbers = x !== "" && y !== "" && !Number.isNaN(nx) && !Number.isNaN(ny);
        return (bothNumbers ? nx - ny : x.localeCompare(y)) * (isDown ? -1 : 1);
      });
      body.append(...rows);
    };
    head.tabIndex = 0;
    head.title = "sort by this column";
    head.addEventListener("click", sort);
    head.addEventListener("keydown", (event) => { if (event.key === "Enter") sort(); });
  });
}
// Maps: the n-th shape of a map is the n-th chip and gets the n-th label as its tooltip. Labels are those of the map's
// section (a script whose id ends in chip-labels) or, without any, those of the page.
for (const map of document.querySelectorAll("[id^=chips-]")) {
  const own = map.closest("section")?.querySelector("script[id$=chip-labels]");
  const labels = JSON.parse((own ?? document.getElementById("chip-labels")).textContent);
  [...map.querySelectorAll("path")].slice(0, labels.length).forEach((shape, index) => {
    const title = document.createElementNS("http://www.w3.org/2000/svg", "title");
    title.textContent = labels[index];
    shape.append(title);
  });
}
