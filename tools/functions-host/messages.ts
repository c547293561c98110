import { z } from "zod";

// Between the process that supervises and the processes of the instances: each side parses what it receives.

/** What an instance is started with, as the JSON of its only argument. */
export const instanceConfig = z.object({
  root: z.string(),
  role: z.enum(["http", "timers"]),
  port: z.number().int(),
  activityTimeoutMs: z.number(),
  /** The occurrence each timer was waiting for when an earlier process ended. */
  due: z.record(z.string(), z.string()),
});
export type InstanceConfig = z.infer<typeof instanceConfig>;

/** From an instance to its supervisor. */
export const instanceReport = z.discriminatedUnion("type", [
  z.object({ type: z.literal("ready"), port: z.number().int().optional(), timers: z.number() }),
  z.object({ type: z.literal("failed"), message: z.string() }),
  z.object({ type: z.literal("due"), name: z.string(), next: z.string() }),
  z.object({ type: z.literal("ran"), id: z.number(), error: z.string().optional() }),
]);
export type InstanceReport = z.infer<typeof instanceReport>;

/** From the supervisor to an instance. */
export const instanceCommand = z.discriminatedUnion("type", [
  z.object({ type: z.literal("terminate") }),
  z.object({ type: z.literal("run"), id: z.number(), name: z.string() }),
]);
export type InstanceCommand = z.infer<typeof instanceCommand>;
