// The curves of the log, drawn by uPlot.
"use strict";

(() => {
  const LIGHT = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#999999"];
  const DARK = ["#56b4e9", "#f0a060", "#2fc79a", "#e3a0c4", "#e6d04a", "#8f9bff", "#b0b0b0"];
  const RUNS = [...new Set(report.data.charts.flatMap((chart) => chart.series.map((one) => one.run)))];
  const DASHES = [[], [6, 3], [2, 2], [8, 3, 2, 3]];
  const box = document.getElementById("log-scale");
  let drawn = [];

  function significant(value) {
    if (value == null) return "-";
    const size = Math.abs(value);
    if (size >= 1000) return report.number.format(+value.toPrecision(4));
    return size && size < 1e-3 ? value.toExponential(2) : String(+value.toPrecision(4));
  }

  /** Return series and values: the logged ones, and levels as flat dashed lines. */
  function columns(chart) {
    const series = [{ label: "epoch" }];
    const values = [chart.epochs];
    const colours = report.isDark() ? DARK : LIGHT;
    const keys = [...new Set(chart.series.map((one) => one.key))];
    chart.series.forEach((one) => {
      // Of several runs, each has a colour in all charts, and a dash for each of its curves.
      const run = RUNS.indexOf(one.run), key = keys.indexOf(one.key);
      const [hue, dashed] = RUNS.length > 1 ? [run, key + Math.floor(run / colours.length)] : [key, Math.floor(key / colours.length)];
      const stroke = colours[hue % colours.length], dash = DASHES[dashed % DASHES.length];
      series.push({ label: one.name || "value", stroke, dash, width: 2, spanGaps: true, value: (_, v) => significant(v) });
      values.push(one.values);
    });
    for (const level of chart.levels) {
      series.push({ label: level.name, stroke: report.colour("dim"), dash: [4, 4], width: 1, points: { show: false }, value: (_, v) => significant(v) });
      values.push(chart.epochs.map(() => level.value));
    }
    return { series, values };
  }

  function draw() {
    drawn.forEach((plot) => plot.destroy());
    drawn = [...document.querySelectorAll("[data-chart]")].map((figure) => {
      const chart = report.data.charts[figure.dataset.chart];
      const { series, values } = columns(chart);
      const positive = values.slice(1).flat().every((v) => v == null || v > 0);
      const axis = () => ({ stroke: report.colour("text"), grid: { stroke: report.colour("line"), width: 1 }, ticks: { stroke: report.colour("line"), width: 1 } });
      const node = figure.querySelector(".plot");
      const options = {
        width: node.clientWidth,
        height: 220,
        cursor: { sync: { key: "epochs" } },
        scales: { x: { time: false }, y: box.checked && positive ? { distr: 3 } : chart.from_zero ? { range: (_, low, high) => [0, 1.05 * high || 1] } : {} },
        axes: [axis(), { ...axis(), size: 62, values: (_, splits) => splits.map((v) => (v == null ? "" : significant(v))) }],
        series,
      };
      const last = (plot) => plot.setLegend({ idx: chart.epochs.length - 1 }); // until the cursor comes
      return new uPlot({ ...options, hooks: { ready: [last] } }, values, node);
    });
  }

  if (!box) return;
  box.addEventListener("change", draw);
  report.onAppearance(draw);
  draw();
})();
