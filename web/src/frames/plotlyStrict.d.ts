// The build of Plotly that makes no code from text, which comes without types.
declare module "plotly.js-strict-dist-min" {
  const Plotly: {
    react(element: HTMLElement, data: readonly unknown[], layout: object, config: object): Promise<unknown>;
  };
  export default Plotly;
}
