import { expect, it } from "vitest";
import { mediaOf, tableCsv, vectorSize } from "@/media/table/cells";

it("a CSV has numbers as numbers, and formulas as text", () => {
  const columns = [
    { name: "n", type: "number" },
    { name: "=note", type: "text" },
    { name: "v", type: "vector:2" },
  ];

  expect(
    tableCsv(columns, [
      [-1.5, "=1+1", [1, 2]],
      ["NaN", 'a "b", c', null],
      [null, "@cmd", [0, 0]],
    ]),
  ).toBe(`n,'=note,v\n-1.5,'=1+1,"[1,2]"\nNaN,"a ""b"", c",\n,'@cmd,"[0,0]"\n`);
});

it("a cell is a media value only where its column may hold one", () => {
  const image = { _type: "image-file", sha256: "a", size: 1, format: "png", width: 1, height: 1 };

  expect(mediaOf(image, "image-file")).toEqual(image);
  expect(mediaOf(JSON.stringify(image), "mixed")).toEqual(image);
  expect(mediaOf(JSON.stringify(image), "text")).toBeNull();
  expect(mediaOf("{broken", "mixed")).toBeNull();
  expect([vectorSize("vector:8"), vectorSize("number")]).toEqual([8, null]);
});
