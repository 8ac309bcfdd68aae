/** uPlot, as a module. A page that draws curves loads `/static/vendor/uplot.js` with `defer` before its own module. */
export default globalThis.uPlot;
