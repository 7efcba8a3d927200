import { readdirSync, readFileSync, statSync, unlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { gzipSync } from "node:zlib";
import react from "@vitejs/plugin-react";
import type { Plugin } from "vite";
import { build } from "vite";
import { defineConfig } from "vitest/config";

const OUT_DIR = "../src/treering/server/static";
/** Larger files are shipped compressed alone: what installs the package gets each of them once. */
const PLAIN_TOO_BYTES = 500;

/** Writes a .gz beside every text asset, so that the server never compresses while someone waits. */
function precompress(): Plugin {
  let folder = "";
  return {
    name: "treering-precompress",
    apply: "build",
    configResolved(config) {
      folder = resolve(config.root, config.build.outDir);
    },
    closeBundle() {
      for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
        // index.html is filled in per request (nonce, base path), so a stored copy would be wrong.
        if (!entry.isFile() || !/\.(js|css|svg)$/.test(entry.name)) continue;
        const path = join(entry.parentPath, entry.name);
        writeFileSync(`${path}.gz`, gzipSync(readFileSync(path), { level: 9 }));
        if (statSync(path).size > PLAIN_TOO_BYTES) unlinkSync(path); // the server unpacks it for whoever wants it plain
      }
    },
  };
}

/** Of the fonts of formulas only those that every browser of today takes are shipped. */
function onlyWoff2(): Plugin {
  return {
    name: "treering-woff2",
    enforce: "pre",
    transform(code, id) {
      if (!/katex.*\.css$/.test(id)) return undefined;
      return { code: code.replaceAll(/,\s*url\([^)]*\.(?:woff|ttf)\)\s*format\("\w+"\)/g, ""), map: null };
    },
  };
}

/**
 * Scripts that are one plain file each: those of the sandboxed frames, since a frame of another origin cannot load
 * modules, and those of exported pages, which hold them.
 */
const SCRIPTS = {
  plotly: "src/frames/plotly.ts",
  vega: "src/frames/vega.ts",
  page: "src/export/main.tsx",
  report: "src/export/report.tsx",
};

/** What those do without; see src/export/nothing.ts. */
const WITHOUT = /^(katex\/dist\/katex\.min\.css|@\/styles\/\w+\.css|.*\.worker\?worker&url)$/;

/** Builds those scripts beside the page. */
function frames(): Plugin {
  let folder = "";
  return {
    name: "treering-frames",
    apply: "build",
    configResolved(config) {
      folder = resolve(config.root, config.build.outDir, "frame-assets");
    },
    async writeBundle() {
      for (const [name, entry] of Object.entries(SCRIPTS)) {
        await build({
          configFile: false,
          logLevel: "warn",
          root: import.meta.dirname,
          resolve: {
            alias: [
              { find: WITHOUT, replacement: join(import.meta.dirname, "src/export/nothing.ts") },
              {
                find: "@tanstack/react-router",
                replacement: join(import.meta.dirname, "src/export/router.tsx"),
              },
              { find: "@", replacement: join(import.meta.dirname, "src") },
            ],
          },
          define: { "process.env.NODE_ENV": '"production"' },
          build: {
            outDir: folder,
            emptyOutDir: false,
            target: "es2022",
            lib: {
              entry: join(import.meta.dirname, entry),
              formats: ["iife"],
              name,
              fileName: () => `${name}.js`,
            },
            copyPublicDir: false,
            chunkSizeWarningLimit: 10_000,
            rolldownOptions: {
              // "use client" says nothing to a page that has no server.
              onLog: (level, log, handle) => log.code !== "MODULE_LEVEL_DIRECTIVE" && handle(level, log),
            },
          },
        });
      }
    },
  };
}

export default defineConfig({
  // Relative, because the server decides the base path (<base href>) when it runs behind a proxy.
  base: "./",
  plugins: [react(), onlyWoff2(), frames(), precompress()],
  resolve: { alias: { "@": join(import.meta.dirname, "src") } },
  build: {
    outDir: OUT_DIR,
    emptyOutDir: true,
    target: "es2022",
    // An inlined asset would be a data: URL in a stylesheet or script; the policy allows files only.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      output: {
        // Vendor code changes rarely; its own file stays in the browser's cache across releases.
        codeSplitting: {
          groups: [
            {
              name: "vendor",
              test: /node_modules[\\/](react|react-dom|scheduler|@tanstack|zustand|openapi-fetch|use-sync-external-store)[\\/]/,
            },
            // Loaded by the first solid alone.
            { name: "vendor-three", test: /node_modules[\\/]three[\\/]/ },
            // Loaded by the first formula alone.
            { name: "vendor-katex", test: /node_modules[\\/]katex[\\/]/ },
            // Loaded by the first report that is edited.
            {
              name: "vendor-tiptap",
              test: /node_modules[\\/](@tiptap|prosemirror-[a-z]+|orderedmap|rope-sequence|w3c-keyname|linkifyjs)[\\/]/,
            },
            {
              name: "vendor-ui",
              test: /node_modules[\\/](radix-ui|@radix-ui|@floating-ui|lucide-react|react-remove-scroll.*|aria-hidden)[\\/]/,
            },
          ],
        },
      },
    },
  },
  server: {
    proxy: Object.fromEntries(
      ["/api", "/frame", "/frame-assets"].map((path) => [
        path,
        process.env.TREERING_URL ?? "http://127.0.0.1:6464",
      ]),
    ),
  },
  worker: { format: "es" },
  test: {
    include: ["test/{unit,component}/**/*.test.{ts,tsx}"],
  },
});
