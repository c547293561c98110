import { assert, integer, nat, oneof, property, string, stringMatching } from "fast-check";
import { describe, expect, it } from "vitest";
import { formatEventId, parseEventId } from "../../../shared/mcp/streamable/event-id.ts";

describe("the id of an event", () => {
  it("says of which stream of which instance it is, and what that answers", () => {
    assert(
      property(
        stringMatching(/^[\w.-]{1,60}$/),
        stringMatching(/^[\w-]{22}$/),
        nat(),
        oneof(string({ maxLength: 256 }), integer()),
        (instance, stream, sequence, request) => {
          const position = { instance, stream, sequence, request };
          const id = formatEventId(position);
          expect(parseEventId(id)).toEqual(position);
          // HTML, server-sent events: a field ends with its line.
          expect(id).toMatch(/^[\w.~-]+$/);
        },
      ),
    );
  });

  it.each(["", "get~3", "x", "a~b~c~d", `a~${"s".repeat(22)}~1~!!!`, `a~${"s".repeat(22)}~1~e30`])(
    "is no position in a stream that answers a request: %j",
    (text) => {
      expect(parseEventId(text)).toBeUndefined();
    },
  );
});
