import type { Features } from "../features/feature.ts";
import type { Resources } from "../oauth/resources.ts";
import type { Handler } from "./context.ts";
import { homePage } from "./pages/home-page.ts";

/** `GET /`: for a person who opens the server's address in a browser. */
export function homeHandler(deps: { resources: Resources; features: Features }): Handler {
  return async () =>
    homePage({
      endpoints: [
        { name: "Streamable HTTP", url: deps.resources.of("/mcp") },
        { name: "HTTP+SSE", url: deps.resources.of("/sse") },
      ],
      features: deps.features.tools,
    });
}
