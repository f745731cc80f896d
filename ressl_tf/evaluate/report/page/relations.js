// The relation viewer: to whom an image is related, in the eyes of teacher and student.
//
//   p = softmax(k Q^T / teacher_temp),  q = softmax(z Q^T / student_temp)   (ReSSL, Eq. 2, 3)
//
// k: the teacher's embedding of a weak view, z: the student's of a strong view of the same
// image, Q: the teacher's embeddings of the reference images, without the image itself.
"use strict";

(() => {
  const stored = report.images && report.images.relations;
  if (!stored || stored.reason) return;
  const { images } = report;
  const element = (id) => document.getElementById(id);
  const RANKED = 14, MOST_ROWS = 2000, LISTED = 12;
  const snapshots = stored.snapshots.map((one) => ({
    step: one.step, teacher: unpacked(one.teacher), student: unpacked(one.student), dim: one.teacher.shape[1],
  }));
  const rows = evenly(images.count, MOST_ROWS); // images that medians and lists are over
  const temps = { teacher: stored.teacher_temp, student: stored.student_temp };
  let snapshot = snapshots.length - 1;
  let table = null, job = 0, histogram = null; // of the similarities of `rows`

  function unpacked({ values, scale }) {
    return Float64Array.from(report.array(values, Int16Array), (v) => v * scale);
  }

  function evenly(count, most) {
    const size = Math.min(count, most);
    return [...new Set([...Array(size).keys()].map((i) => Math.round((i * (count - 1)) / Math.max(size - 1, 1))))];
  }

  /** Return the similarities of an image to all references; NaN for itself. */
  function similarities(side, image) {
    const { dim, teacher } = snapshots[snapshot], from = snapshots[snapshot][side];
    return Float64Array.from(stored.references, (reference) => {
      if (reference === image) return NaN;
      let sum = 0;
      for (let k = 0; k < dim; k++) sum += from[image * dim + k] * teacher[reference * dim + k];
      return sum;
    });
  }

  /** Return the softmax of similarities over a temperature; 0 where they are NaN. */
  function relation(values, temperature) {
    let top = -Infinity, total = 0;
    for (const v of values) if (v > top) top = v;
    const weights = new Float64Array(values.length);
    for (let j = 0; j < values.length; j++) {
      if (Number.isNaN(values[j])) continue;
      weights[j] = Math.exp((values[j] - top) / temperature);
      total += weights[j];
    }
    for (let j = 0; j < weights.length; j++) weights[j] /= total;
    return weights;
  }

  /** Return the entropy in nats. */
  function entropy(p) {
    let sum = 0;
    for (const v of p) if (v > 0) sum -= v * Math.log(v);
    return sum;
  }

  /** Return the logarithm of a relation, exact where the softmax underflows. */
  function logRelation(values, temperature) {
    let top = -Infinity, total = 0;
    for (const v of values) if (v > top) top = v;
    for (const v of values) if (!Number.isNaN(v)) total += Math.exp((v - top) / temperature);
    return values.map((v) => (v - top) / temperature - Math.log(total));
  }

  function crossEntropy(p, studentValues, temperature) {
    const logs = logRelation(studentValues, temperature);
    let sum = 0;
    for (let j = 0; j < p.length; j++) if (p[j] > 0) sum -= p[j] * logs[j];
    return sum;
  }

  /** Return both relations of an image and their figures. */
  function relate(image) {
    const teacher = similarities("teacher", image), student = similarities("student", image);
    const p = relation(teacher, temps.teacher), q = relation(student, temps.student);
    const references = teacher.reduce((n, v) => n + !Number.isNaN(v), 0);
    return {
      p, q, references,
      teacherEntropy: entropy(p), studentEntropy: entropy(q),
      crossEntropy: crossEntropy(p, student, temps.student),
    };
  }

  const percent = (p) => (p < 1e-5 ? "< 0.001 %" : `${(100 * p).toPrecision(3)} %`);

  function showRanked(node, probabilities) {
    const order = [...probabilities.keys()].filter((j) => stored.references[j] !== report.state.chosen);
    order.sort((a, b) => probabilities[b] - probabilities[a]);
    const top = order.slice(0, RANKED);
    node.replaceChildren(...top.map((j) => {
      const item = document.createElement("div"), bar = document.createElement("span"), text = document.createElement("span");
      item.className = "related";
      bar.className = "bar";
      bar.style.width = `${(100 * probabilities[j]) / probabilities[top[0]]}%`;
      text.textContent = percent(probabilities[j]);
      item.append(report.thumbnail(stored.references[j], { side: 64, label: text.textContent }), bar, text);
      return item;
    }));
  }

  function showView(node, sheet, name) {
    const caption = document.createElement("div");
    caption.textContent = name;
    node.replaceChildren(report.thumbnail(report.state.chosen, { sheet, side: 96, label: name }), caption);
  }

  function showFigures(found) {
    const logK = Math.log(found.references);
    for (const side of ["teacher", "student"]) {
      const value = found[`${side}Entropy`];
      element(`${side}-entropy`).textContent = `${value.toFixed(3)} nats`;
      element(`${side}-share`).textContent = `${((100 * value) / logK).toFixed(1)} % of ${logK.toFixed(3)}`;
      element(`${side}-effective`).textContent = `${report.number.format(Math.exp(value))} of ${report.number.format(found.references)}`;
    }
    element("cross-entropy").textContent = `${found.crossEntropy.toFixed(3)} nats`;
  }

  /** Draw what belongs to the chosen image. */
  function showChosen() {
    const found = relate(report.state.chosen);
    showView(element("teacher-view"), "weak", `teacher's view: ${stored.views[0]}`);
    showView(element("student-view"), "strong", `student's view: ${stored.views[1]}`);
    showRanked(element("teacher-row"), found.p);
    showRanked(element("student-row"), found.q);
    showFigures(found);
    element("chosen").textContent = `Image ${report.number.format(report.state.chosen + 1)} of ${report.number.format(images.count)}: ${report.describe(report.state.chosen)}. After step ${report.number.format(snapshots[snapshot].step)}, at teacher_temp ${+temps.teacher.toPrecision(4)} and student_temp ${+temps.student.toPrecision(4)}:`;
    return found;
  }

  /** Compute the similarities of many images, some at a time so that the page stays quick. */
  function fillTable() {
    const mine = ++job;
    const made = { teacher: [], student: [], own: [] };
    table = null;
    const { dim, teacher, student } = snapshots[snapshot];
    function some() {
      if (mine !== job) return; // another checkpoint was chosen
      for (const end = performance.now() + 12; performance.now() < end && made.own.length < rows.length;) {
        const image = rows[made.own.length];
        made.teacher.push(Float32Array.from(similarities("teacher", image)));
        made.student.push(Float32Array.from(similarities("student", image)));
        let sum = 0;
        for (let k = 0; k < dim; k++) sum += teacher[image * dim + k] * student[image * dim + k];
        made.own.push(sum);
      }
      if (made.own.length < rows.length) return setTimeout(some);
      table = made;
      showAll();
    }
    some();
  }

  const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

  /** Draw what is over all images: medians, histogram, lists. */
  function showAll() {
    if (!table) return;
    const effective = { teacher: [], student: [] }, divergence = [];
    rows.forEach((_, i) => {
      const p = relation(table.teacher[i], temps.teacher), h = entropy(p);
      effective.teacher.push(Math.exp(h));
      effective.student.push(Math.exp(entropy(relation(table.student[i], temps.student))));
      divergence.push(crossEntropy(p, table.student[i], temps.student) - h);
    });
    for (const side of ["teacher", "student"]) {
      element(`${side}-median`).textContent = report.number.format(median(effective[side]));
    }
    showHistogram(effective);
    list(element("disagree"), divergence, -1, (v) => `${v.toFixed(2)} nats`);
    list(element("shifted"), table.own, 1, (v) => v.toFixed(2));
    element("relations").dataset.ready = `${temps.teacher} ${temps.student} ${snapshot}`;
  }

  function list(node, values, sign, write) {
    const order = [...values.keys()].sort((a, b) => sign * (values[a] - values[b])).slice(0, LISTED);
    node.replaceChildren(...order.map((i) => {
      const item = document.createElement("div"), pair = document.createElement("div"), text = document.createElement("span");
      item.className = "related";
      pair.append(report.thumbnail(rows[i], { side: 48 }), report.thumbnail(rows[i], { sheet: "strong", side: 48, label: "student's view" }));
      text.textContent = write(values[i]);
      item.append(pair, text);
      return item;
    }));
  }

  /** Draw how many images have so many effective relations, on a logarithmic axis. */
  function showHistogram(effective) {
    const most = Math.log(Math.max(stored.references.length - 1, 2)), bins = 40;
    const edges = [...Array(bins + 1).keys()].map((i) => Math.exp((i * most) / bins));
    const counts = (values) => {
      const made = Array(bins + 1).fill(0);
      for (const v of values) made[Math.min(bins - 1, Math.max(0, Math.floor((Math.log(v) / most) * bins)))]++;
      made[bins] = made[bins - 1]; // the last step is drawn up to its edge
      return made;
    };
    const columns = [edges, counts(effective.teacher), counts(effective.student)];
    if (histogram) return histogram.setData(columns);
    const axis = () => ({ stroke: report.colour("text"), grid: { stroke: report.colour("line"), width: 1 } });
    const whole = (_, values) => values.map((v) => (v == null ? "" : report.number.format(v)));
    const paths = uPlot.paths.stepped({ align: 1 });
    const series = (label, name) => ({ label, stroke: report.colour(name), width: 2, fill: `${report.colour(name)}33`, paths, points: { show: false } });
    const node = element("histogram");
    histogram = new uPlot({
      width: node.clientWidth, height: 220,
      scales: { x: { time: false, distr: 3 } },
      axes: [{ ...axis(), values: whole, label: "effective number of relations" }, { ...axis(), values: whole, size: 60, label: "images" }],
      series: [{ label: "at least", value: (_, v) => (v == null ? "-" : report.number.format(v)) }, series("teacher", "accent"), series("student", "second")],
    }, columns, node);
  }

  /** Take a temperature from a slider or a field; both show it. */
  function setTemperature(side, value) {
    if (!(value > 0)) return;
    temps[side] = value;
    element(`${side}-slider`).value = Math.log10(value);
    element(`${side}-temp`).value = +value.toPrecision(4);
    showChosen();
    clearTimeout(setTemperature.later);
    setTemperature.later = setTimeout(showAll, 150);
  }

  function setSnapshot(index) {
    snapshot = index;
    element("checkpoint-step").textContent = `step ${report.number.format(snapshots[index].step)}`;
    showChosen();
    fillTable();
  }

  function search() {
    const words = element("search").value.trim().toLowerCase();
    const hits = [];
    for (let i = 0; words && i < images.count && hits.length < 24; i++) {
      if (report.describe(i).toLowerCase().includes(words)) hits.push(i);
    }
    element("found").replaceChildren(...hits.map((i) => report.thumbnail(i)));
    if (words && !hits.length) element("found").textContent = "no image has that name or class";
    return hits;
  }

  function suggest() {
    const text = element("suggestion");
    if (!stored.trained_by_relation) return text.remove();
    if (!stored.suitable) {
      text.textContent = "No range of teacher_temp is suggested: there are too few images, or their embeddings have hardly spread yet.";
      return;
    }
    const [low, high] = stored.suitable.map((v) => v.toPrecision(2));
    text.textContent = `A teacher_temp of ${low} to ${high} suits these embeddings: there, 0.5 to 5 % of the references count for the median image, neither one alone nor all, and it is at most half of student_temp. A rule of thumb, from the last checkpoint; other temperatures would have trained other embeddings.`;
  }

  for (const side of ["teacher", "student"]) {
    element(`${side}-slider`).addEventListener("input", (event) => setTemperature(side, 10 ** event.target.value));
    element(`${side}-temp`).addEventListener("change", (event) => setTemperature(side, +event.target.value));
  }
  element("reset").addEventListener("click", () => {
    setTemperature("teacher", stored.teacher_temp);
    setTemperature("student", stored.student_temp);
  });
  element("checkpoint").addEventListener("input", (event) => setSnapshot(+event.target.value));
  element("checkpoint-label").hidden = snapshots.length < 2;
  element("previous").addEventListener("click", () => report.choose(report.state.chosen - 1));
  element("next").addEventListener("click", () => report.choose(report.state.chosen + 1));
  element("search").addEventListener("input", search);
  element("search").addEventListener("keydown", (event) => {
    const hits = event.key === "Enter" ? search() : [];
    if (hits.length) report.choose(hits[0]);
    if (event.key === "Escape") event.target.blur();
  });
  addEventListener("keydown", (event) => {
    if (event.target.matches("input, select, textarea") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "/") { event.preventDefault(); element("search").focus(); }
    if (event.key === "ArrowRight") report.choose(report.state.chosen + 1);
    if (event.key === "ArrowLeft") report.choose(report.state.chosen - 1);
  });
  report.onChoice(showChosen);
  report.onAppearance(() => {
    if (histogram) histogram.destroy();
    histogram = null;
    showAll();
  });
  report.relate = relate; // for the console
  suggest();
  setTemperature("teacher", temps.teacher);
  setTemperature("student", temps.student);
  setSnapshot(snapshot);
})();
