import { expect, it } from "vitest";
import { folderTree } from "@/features/run/code/folderTree";
import { layerTree } from "@/media/graph/layerTree";

it("paths become folders, in natural order, with counts of all below", () => {
  const tree = folderTree([
    ["b10.py", 0o644, "", 5],
    ["b2.py", 0o644, "", 5],
    ["src/net/a.py", 0o644, "", 7],
    ["src/b.py", 0o644, "", 7],
  ]);

  expect(tree.count).toBe(4);
  expect(tree.files.map(({ name }) => name)).toEqual(["b2.py", "b10.py"]);
  expect(tree.folders[0]).toMatchObject({ name: "src", count: 2, folders: [{ name: "net", count: 1 }] });
});

it("the parts of a model are nested by their dotted names", () => {
  const [model] = layerTree({
    nodes: [
      { id: 0, name: "", class: "Net", parameters: 12 },
      { id: 1, name: "encoder", class: "Sequential" },
      { id: 2, name: "encoder.0", class: "Linear", parameters: 8, output_shape: [2, 4] },
      { id: 3, name: "head", class: "Linear", parameters: 4 },
    ],
  });

  expect(model).toMatchObject({
    label: "Net",
    children: [
      { label: "encoder", children: [{ label: "0", output: "[2,4]", parameters: 8 }] },
      { label: "head", parameters: 4 },
    ],
  });
});
