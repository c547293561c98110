/** The statuses that Graph can be switched to answer, with its code and words for each. */
export const GRAPH_FAULTS = {
  403: { code: "AccessDenied", message: "Access denied." },
  404: { code: "ResourceNotFound", message: "The object was not found." },
  429: { code: "TooManyRequests", message: "Too many requests." },
  500: { code: "InternalServerError", message: "The server encountered an error." },
  503: { code: "ServiceUnavailable", message: "The service is temporarily unavailable." },
} as const;

export type GraphFaultStatus = keyof typeof GRAPH_FAULTS;
