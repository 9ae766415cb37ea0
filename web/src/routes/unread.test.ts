// What a screen does not understand of its address is told, and nothing else is.
import { expect, test } from "vitest";
import { unread } from "./unread";

test.each([
  ["/spend", "?range=banana&by=model", [["range", "banana"]]],
  [
    "/flows",
    "?status=abc&since=banana&outcome=open",
    [
      ["status", "abc"],
      ["since", "banana"],
    ],
  ],
  ["/flows/f-1", "?tab=nope", [["tab", "nope"]]],
  ["/flows/f-1", "?tab=conversation&hit=x&around=y", []],
  ["/findings", "?state=x", [["state", "x"]]],
  ["/sessions/s-1", "?lane=main&turn=f-1&mine=1", [["mine", "1"]]],
  ["/sessions", "?range=7d&project=", []],
  ["/history/s-1", "?order=newest&wire=yes", []],
  ["/tools", "?order=newest", [["order", "newest"]]],
  [
    "/spend",
    "?heat=flows&wire=yes&constructor=x",
    [
      ["wire", "yes"],
      ["constructor", "x"],
    ],
  ],
  ["/search", "?q=words", []],
  ["/health", "?any=thing", []],
])("%s%s", (path, search, said) => {
  expect(unread(path, search)).toEqual(said);
});
