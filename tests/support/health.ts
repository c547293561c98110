import { z } from "zod";

const healthSchema = z.object({
  status: z.literal("ok"),
  instance: z.string(),
  streams: z.number(),
});

/** What an instance says about itself on `/health`. @throws where it does not answer */
export async function health(baseUrl: string): Promise<z.infer<typeof healthSchema>> {
  const response = await fetch(new URL("/health", baseUrl), { headers: { connection: "close" } });
  return healthSchema.parse(await response.json());
}
