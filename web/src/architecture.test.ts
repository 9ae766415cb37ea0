// The house rules of this folder that a machine can check.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, test } from "vitest";

const SRC = resolve("src");

const files = readdirSync(SRC, { recursive: true, encoding: "utf8" })
  .filter((name) => /\.(tsx?|css)$/.test(name) && !name.endsWith("schema.d.ts"))
  .map((name) => ({ name, text: readFileSync(join(SRC, name), "utf8") }));

function imports({ name, text }: (typeof files)[number]): string[] {
  return [...text.matchAll(/from "([^"]+)"/g)].map(([, path = ""]) => {
    if (path.startsWith("@/")) return path.slice(2);
    return path.startsWith(".") ? relative(SRC, resolve(SRC, dirname(name), path)) : path;
  });
}

describe("the rooms of the dashboard", () => {
  test("features never import each other", () => {
    for (const file of files) {
      const own = /^features\/([^/]+)/.exec(file.name)?.[1];
      if (own === undefined) continue;
      for (const path of imports(file)) {
        const other = /^features\/([^/]+)/.exec(path)?.[1] ?? own;
        expect(other, `${file.name} imports ${path}`).toBe(own);
      }
    }
  });

  test("ui knows no router and no data", () => {
    for (const file of files.filter(({ name }) => name.startsWith("ui/"))) {
      for (const path of imports(file)) {
        expect(path, file.name).not.toMatch(/^(api|live|routes|features|shell|providers)\b/);
        expect(path, file.name).not.toMatch(/react-(router|query)$/);
      }
    }
  });

  test("views, which features share, know no router and no feature", () => {
    for (const file of files.filter(({ name }) => name.startsWith("views/"))) {
      for (const path of imports(file)) {
        expect(path, file.name).not.toMatch(/^(features|shell)\b|react-router$/);
      }
    }
  });

  test("lib and providers know no React", () => {
    for (const file of files.filter(({ name }) => /^(lib|providers)\//.test(name))) {
      for (const path of imports(file)) expect(path, file.name).not.toMatch(/^react/);
    }
  });

  test("every file begins with a sentence that says what it is", () => {
    for (const { name, text } of files) expect(text, name).toMatch(/^(\/\/|\/\*) [A-Z].*\./);
  });

  test("colours are named in the stylesheet only", () => {
    for (const { name, text } of files.filter(({ name }) => name.endsWith(".tsx"))) {
      expect(text, name).not.toMatch(/#[0-9a-f]{6}\b|\brgb\(|oklch\(|hsl\(/i);
    }
  });
});
