// Stands for what a page of one piece does without: stylesheets that it holds already, a megabyte of fonts of formulas
// (there the browser draws them, as MathML), and workers, which are files of their own.
export default "";
