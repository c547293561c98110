import { markup, page } from "./page.ts";
import { isLoopback } from "./loopback.ts";
import type { Call, StandIn } from "./stand-in.ts";

/**
 * `GET /{tenant}/oauth2/v2.0/logout`: there is no session to end, so it only says so, or goes back to a
 * `post_logout_redirect_uri` on this machine.
 */
export async function logout(_standIn: StandIn, call: Call): Promise<Response> {
  const back = URL.parse(call.url.searchParams.get("post_logout_redirect_uri") ?? "");
  if (back?.protocol === "http:" && isLoopback(back.hostname)) {
    const state = call.url.searchParams.get("state");
    if (state !== null) {
      back.searchParams.set("state", state);
    }
    return new Response(null, { status: 302, headers: { location: back.href } });
  }
  return page(
    "Signed out",
    markup`<h1>You signed out of your account</h1>
<p class="soft">It’s a good idea to close all browser windows.</p>`,
  );
}
