// Stands for the stylesheet of formulas and its megabyte of fonts: in a page of one piece the browser draws them (MathML).
export {};
