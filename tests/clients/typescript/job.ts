/** What both TypeScript clients share: whom the job is about, and waiting. */

import assert from "node:assert/strict";

const environment = (name: string): string => {
  const value = process.env[name];
  assert(value, `${name} is not set`);
  return value;
};

export const origin = environment("B2B_ORIGIN");
export const token = environment("B2B_TOKEN");
export const run = environment("B2B_RUN");
export const clientEmail = `client@${run}.example.com`;
export const people = [
  ["Ada", "Lovelace"],
  ["Grace", "Hopper"],
  ["Alan", "Turing"],
  ["Mary", "Jackson"],
  ["Former", "Student"],
] as const;

export const emailOf = (first: string, last: string): string => `${first}.${last}@${run}.example.com`.toLowerCase();

export const waitUntil = async (condition: () => Promise<boolean>): Promise<void> => {
  const deadline = Date.now() + 60_000;
  while (!(await condition())) {
    assert(Date.now() < deadline, "It did not happen within a minute.");
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
};
