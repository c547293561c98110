import type { Change } from "../features/call.ts";

/** The protocol server of a client: what both SDKs' have for it. */
interface ChangeSender {
  sendResourceUpdated(params: { uri: string }): Promise<void>;
  sendToolListChanged(): Promise<void>;
  sendResourceListChanged(): Promise<void>;
  sendPromptListChanged(): Promise<void>;
}

/**
 * Sends a client the notification of a change.
 *
 * @param wants Whether it has subscribed to a resource; of others it is told nothing.
 * @throws What the SDK throws where the stream has ended.
 */
export async function sendChange(
  server: ChangeSender,
  change: Change,
  wants: (uri: string) => boolean,
): Promise<void> {
  switch (change.kind) {
    case "resource-updated":
      if (wants(change.uri)) await server.sendResourceUpdated({ uri: change.uri });
      return;
    case "tools-changed":
      return server.sendToolListChanged();
    case "resources-changed":
      return server.sendResourceListChanged();
    case "prompts-changed":
      return server.sendPromptListChanged();
  }
}
