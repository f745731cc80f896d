// The map of the features: hover, click, lasso, zoom.
"use strict";

(() => {
  const canvas = document.getElementById("points");
  if (!canvas) return;
  const { images } = report;
  const BLUE = () => (report.isDark() ? "#4a90e2" : "#0072b2");
  const PALETTE = ["blue", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#b5a900", "#8c8c8c"];
  const SHAPES = ["circle", "square", "up", "diamond", "down"];
  const element = (id) => document.getElementById(id);
  const tip = element("tip");
  let points, groups, names, view, lasso = [], inside = new Set(), dragged = false;

  /** Take the projection and the colours that are asked for. */
  function read() {
    points = report.array(images.maps[element("projection").value].points, Float32Array);
    const by = element("colour-by").value;
    groups = { class: images.labels, split: images.split_of, cluster: images.clusters }[by];
    const clusters = () => [...new Set(images.clusters)].sort((a, b) => a - b).map((i) => `cluster ${i + 1}`);
    names = { class: images.classes, split: images.splits }[by] || clusters();
    fit();
  }

  function fit() {
    let [left, right, low, high] = [Infinity, -Infinity, Infinity, -Infinity];
    for (let i = 0; i < points.length; i += 2) {
      left = Math.min(left, points[i]); right = Math.max(right, points[i]);
      low = Math.min(low, points[i + 1]); high = Math.max(high, points[i + 1]);
    }
    const scale = 0.92 * Math.min(canvas.clientWidth / (right - left || 1), canvas.clientHeight / (high - low || 1));
    view = { scale, x: canvas.clientWidth / 2 - (scale * (left + right)) / 2, y: canvas.clientHeight / 2 + (scale * (low + high)) / 2 };
  }

  const place = (i) => [view.x + view.scale * points[2 * i], view.y - view.scale * points[2 * i + 1]];

  function mark(pen, shape, x, y, r) {
    pen.beginPath();
    if (shape === "circle") pen.arc(x, y, r, 0, 7);
    else if (shape === "square") pen.rect(x - r, y - r, 2 * r, 2 * r);
    else {
      const corners = { up: [[-r, r], [r, r], [0, -r]], down: [[-r, -r], [r, -r], [0, r]], diamond: [[-r, 0], [0, -r], [r, 0], [0, r]] }[shape];
      corners.forEach(([dx, dy], k) => (k ? pen.lineTo(x + dx, y + dy) : pen.moveTo(x + dx, y + dy)));
    }
    pen.fill();
  }

  const look = (group) => group < 0
    ? { fill: report.colour("dim"), shape: "circle" }
    : { fill: group % PALETTE.length ? PALETTE[group % PALETTE.length] : BLUE(), shape: SHAPES[Math.floor(group / PALETTE.length) % SHAPES.length] };

  function draw() {
    const ratio = devicePixelRatio || 1;
    canvas.width = canvas.clientWidth * ratio;
    canvas.height = canvas.clientHeight * ratio;
    const pen = canvas.getContext("2d");
    pen.scale(ratio, ratio);
    const looks = new Map([...new Set(groups)].map((group) => [group, look(group)]));
    const radius = images.count > 5000 ? 2 : 3.5;
    for (let i = 0; i < images.count; i++) {
      const { fill, shape } = looks.get(groups[i]);
      pen.globalAlpha = inside.size && !inside.has(i) ? 0.15 : 0.85;
      pen.fillStyle = fill;
      mark(pen, shape, ...place(i), radius);
    }
    pen.globalAlpha = 1;
    pen.strokeStyle = report.colour("text");
    pen.lineWidth = 2;
    pen.beginPath();
    pen.arc(...place(report.state.chosen), radius + 5, 0, 7);
    pen.stroke();
    if (lasso.length > 1) {
      pen.lineWidth = 1.5;
      pen.beginPath();
      lasso.forEach(([x, y], k) => (k ? pen.lineTo(x, y) : pen.moveTo(x, y)));
      pen.stroke();
    }
  }

  function legend() {
    const there = [...new Set(groups)].sort((a, b) => a - b);
    element("legend").replaceChildren(...there.map((group) => {
      const item = document.createElement("span"), dot = document.createElement("canvas");
      dot.width = dot.height = 12;
      const { fill, shape } = look(group), pen = dot.getContext("2d");
      pen.fillStyle = fill;
      mark(pen, shape, 6, 6, 4);
      item.append(dot, ` ${group < 0 ? "no label" : names[group]}`);
      item.title = item.textContent.trim(); // a long name is cut
      return item;
    }));
  }

  function nearest(x, y) {
    let best = -1, smallest = 18 ** 2;
    for (let i = 0; i < images.count; i++) {
      const [px, py] = place(i), distance = (px - x) ** 2 + (py - y) ** 2;
      if (distance < smallest) [best, smallest] = [i, distance];
    }
    return best;
  }

  function showTip(event) {
    const index = nearest(event.offsetX, event.offsetY);
    tip.hidden = index < 0;
    if (index < 0) return;
    const head = document.createElement("div"), strip = document.createElement("div");
    if (images.side) head.append(report.thumbnail(index, { side: 96 }));
    strip.className = "strip";
    strip.append(...images.neighbours[index].map((row) => report.thumbnail(row, { side: 40 })));
    tip.replaceChildren(head, report.describe(index), strip);
    tip.style.left = `${Math.min(event.clientX + 14, innerWidth - 430)}px`;
    tip.style.top = `${Math.max(0, Math.min(event.clientY + 14, innerHeight - 220))}px`;
  }

  /** Even-odd rule. */
  function contains(polygon, x, y) {
    let odd = false;
    for (let i = 0, j = polygon.length - 1; i < polygon.length; j = i++) {
      const [xi, yi] = polygon[i], [xj, yj] = polygon[j];
      if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) odd = !odd;
    }
    return odd;
  }

  function endLasso() {
    const rows = [...Array(images.count).keys()].filter((i) => contains(lasso, ...place(i)));
    inside = new Set(rows);
    element("lasso-title").textContent = `Lasso: ${report.number.format(rows.length)} ${images.things}`;
    element("lasso-images").replaceChildren(...rows.slice(0, 60).map((row) => report.thumbnail(row, { side: 40 })));
    element("lasso-paths").value = rows.map((row) => images.names[row]).join("\n");
  }

  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    lasso = [[event.offsetX, event.offsetY]];
    dragged = false;
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!lasso.length) return showTip(event);
    lasso.push([event.offsetX, event.offsetY]);
    const [x, y] = lasso[0];
    dragged ||= Math.hypot(event.offsetX - x, event.offsetY - y) > 4;
    tip.hidden = true;
    draw();
  });
  canvas.addEventListener("pointerup", (event) => {
    if (dragged) endLasso();
    else {
      inside = new Set();
      const index = nearest(event.offsetX, event.offsetY);
      if (index >= 0) report.choose(index);
    }
    lasso = [];
    draw();
  });
  canvas.addEventListener("pointerleave", () => { tip.hidden = true; });
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    const factor = Math.exp(-event.deltaY / 400);
    view.scale *= factor;
    view.x = event.offsetX + (view.x - event.offsetX) * factor;
    view.y = event.offsetY + (view.y - event.offsetY) * factor;
    draw();
  }, { passive: false });
  canvas.addEventListener("dblclick", () => { fit(); draw(); });
  const all = () => { read(); legend(); draw(); };
  element("projection").addEventListener("change", all);
  element("colour-by").addEventListener("change", all);
  report.onChoice(draw);
  report.onAppearance(all);
  all();
  report.map = { place };
})();
