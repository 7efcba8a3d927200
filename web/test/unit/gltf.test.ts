import { expect, it } from "vitest";
import { gltfToGlb } from "@/media/object3d/gltfToGlb";

const uri = (...bytes: number[]) =>
  `data:application/octet-stream;base64,${btoa(String.fromCharCode(...bytes))}`;

it("a glTF text becomes one GLB: buffers lie behind each other, and views know where", () => {
  const glb = gltfToGlb(
    JSON.stringify({
      buffers: [
        { uri: uri(1, 2, 3, 4, 5), byteLength: 5 },
        { uri: uri(9, 8), byteLength: 2 },
      ],
      bufferViews: [{ buffer: 0 }, { buffer: 1, byteOffset: 1 }],
    }),
  );
  const view = new DataView(glb);
  const length = view.getUint32(12, true);
  const json = JSON.parse(new TextDecoder().decode(new Uint8Array(glb, 20, length)));

  expect(new TextDecoder().decode(new Uint8Array(glb, 0, 4))).toBe("glTF");
  expect(view.getUint32(8, true)).toBe(glb.byteLength);
  expect(json.bufferViews).toEqual([
    { buffer: 0, byteOffset: 0 },
    { buffer: 0, byteOffset: 9 },
  ]);
  expect([...new Uint8Array(glb, 20 + length + 8)]).toEqual([1, 2, 3, 4, 5, 0, 0, 0, 9, 8, 0, 0]);
});

it("a glTF that needs other files is refused instead of asking the server for them", () => {
  expect(() => gltfToGlb(JSON.stringify({ buffers: [{ uri: "../../secret.bin", byteLength: 1 }] }))).toThrow(
    "secret.bin, which was not logged",
  );
});
