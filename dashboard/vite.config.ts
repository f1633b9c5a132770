import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// During development the API comes from a collector, or from the stand-in
// server (`npm run stand-in`), whichever HI_URL names.
const collector = process.env.HI_URL ?? "http://127.0.0.1:8099";

export default defineConfig({
  plugins: [react(), tailwindcss()],
  server: {
    host: "127.0.0.1",
    proxy: {
      "/api": { target: collector, changeOrigin: true },
      "/healthz": { target: collector, changeOrigin: true },
    },
  },
  build: {
    target: "es2022",
    // Everything is served from memory by the collector on loopback.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  test: {
    include: ["test/unit/**/*.test.{ts,tsx}"],
    environment: "node",
    restoreMocks: true,
  },
});
