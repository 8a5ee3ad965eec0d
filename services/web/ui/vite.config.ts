import {defineConfig} from "vite";

// TIP_UI_OUT: where CMake wants the page. TIP_WEB: a running tip-web for `npm run dev`.
const web = process.env.TIP_WEB ?? "http://127.0.0.1:8080";

export default defineConfig({
  esbuild: {jsx: "automatic", jsxImportSource: "preact", legalComments: "none"},
  build: {
    outDir: process.env.TIP_UI_OUT ?? "dist",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0, // a data: address would need a wider content security policy
    modulePreload: {polyfill: false},
    reportCompressedSize: false,
  },
  server: {proxy: {"/api": {target: web}}},
});
