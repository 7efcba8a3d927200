import { describe, expect, it } from "vitest";
import { parsePatch } from "@/features/run/code/patch";

const PATCH = `diff --git a/train.py b/train.py
index 1234567..89abcde 100644
--- a/train.py
+++ b/train.py
@@ -3,4 +3,4 @@ import math
 def loss(step):
-    return 1
+    return 2
 
--- not a header
+-- but a line
@@ -20 +20,2 @@ class Net:
-old
+new
+newer
\\ No newline at end of file
diff --git a/old name.txt b/new name.txt
similarity index 100%
rename from old name.txt
rename to new name.txt
diff --git a/logo.png b/logo.png
new file mode 100644
index 0000000..1111111
Binary files /dev/null and b/logo.png differ
diff --git "a/\\303\\274ber.py" "b/\\303\\274ber.py"
deleted file mode 100644
--- "a/\\303\\274ber.py"
+++ /dev/null
@@ -1 +0,0 @@
-gone
`;

describe("a patch", () => {
  const files = parsePatch(PATCH);

  it("names each file and what became of it", () => {
    expect(files.map(({ path, change, binary }) => [path, change, binary])).toEqual([
      ["train.py", "changed", false],
      ["new name.txt", "renamed", false],
      ["logo.png", "added", true],
      ["über.py", "removed", false],
    ]);
    expect(files[1]?.from).toBe("old name.txt");
  });

  it("counts lines and numbers them before and after", () => {
    const [first] = files;

    expect([first?.added, first?.removed]).toEqual([4, 3]);
    expect(first?.hunks[0]?.context).toBe("import math");
    expect(first?.hunks[0]?.lines.slice(0, 3)).toEqual([
      { kind: "same", text: "def loss(step):", before: 3, after: 3 },
      { kind: "removed", text: "    return 1", before: 4, after: null },
      { kind: "added", text: "    return 2", before: null, after: 4 },
    ]);
  });

  it("takes a removed line that looks like a header for what it is", () => {
    expect(files[0]?.hunks[0]?.lines.map(({ text }) => text)).toContain("-- not a header");
  });

  it("keeps git's notes", () => {
    expect(files[0]?.hunks[1]?.lines.at(-1)).toMatchObject({
      kind: "note",
      text: "No newline at end of file",
    });
  });
});

it("text that is no patch has no files", () => {
  expect(parsePatch("hello\nworld\n")).toEqual([]);
  expect(parsePatch("")).toEqual([]);
});
