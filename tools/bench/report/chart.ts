import type { Comparison } from "../results.ts";
import { many } from "./words.ts";

const WIDTH = 720;
const LEFT = 150;
const RIGHT = 150;
const BAR = 18;
const GROUP = 62;
const TOP = 34;

/** @returns Calls a second of this server and of the bare SDK, as a picture that is legible on dark and light. */
export function chart(calls: readonly Comparison[]): string {
  const most = Math.max(...calls.flatMap(({ ours, bare }) => [ours.perSecond, bare.perSecond]));
  const length = (value: number) => Math.round((value / most) * (WIDTH - LEFT - RIGHT));
  const bar = (y: number, value: number, colour: string) =>
    `<rect x="${LEFT}" y="${y}" width="${length(value)}" height="${BAR}" fill="${colour}" />` +
    `<text x="${LEFT + length(value) + 8}" y="${y + 14}">${many(value)}/s</text>`;
  const groups = calls.map(({ protocol, ours, bare, ratio }, n) => {
    const y = TOP + n * GROUP;
    return (
      `<text x="${LEFT - 12}" y="${y + 14}" text-anchor="end">${protocol}</text>` +
      `<text x="${LEFT - 12}" y="${y + 34}" text-anchor="end">ratio ${ratio.toFixed(2)}</text>` +
      bar(y, ours.perSecond, OURS) +
      bar(y + BAR + 4, bare.perSecond, BARE)
    );
  });
  const height = TOP + calls.length * GROUP;
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="Calls a second">`,
    `<style>text { font: 13px system-ui, sans-serif; fill: ${INK} }</style>`,
    legend(LEFT, OURS, "this server, signed in"),
    legend(LEFT + 200, BARE, "the bare SDK, without authentication"),
    ...groups,
    "</svg>",
  ].join("\n")}\n`;
}

const OURS = "#2f6fd0";
const BARE = "#9a9a9a";
const INK = "#7a7a7a";

function legend(x: number, colour: string, text: string): string {
  return `<rect x="${x}" y="6" width="12" height="12" fill="${colour}" /><text x="${x + 18}" y="17">${text}</text>`;
}
