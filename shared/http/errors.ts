/** An error that a person reads, in a browser. */
export class PageError extends Error {
  override name = "PageError";
  readonly status: number;
  readonly title: string;
  readonly whatToDo: string;

  /**
   * @param message What went wrong, in a sentence.
   * @param whatToDo The next step that the person can take.
   */
  constructor(
    status: number,
    { title, message, whatToDo }: { title: string; message: string; whatToDo: string },
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.status = status;
    this.title = title;
    this.whatToDo = whatToDo;
  }
}

/** A request that HTTP itself has a status for: too large, wrong media type, not allowed, not found. */
export class HttpError extends Error {
  override name = "HttpError";
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  /** @param message May be read by the caller. */
  constructor(
    status: number,
    message: string,
    options: ErrorOptions & { headers?: Record<string, string> } = {},
  ) {
    super(message, options);
    this.status = status;
    this.headers = options.headers ?? {};
  }
}

/** A body that should be JSON, and is not. */
export class NotJson extends HttpError {
  override name = "NotJson";

  constructor(options: ErrorOptions = {}) {
    super(400, "The body is not JSON.", options);
  }
}
