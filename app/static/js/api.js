/** Requests to the service's own API. */

/** What the service says that is wrong: the detail of a problem document (RFC 9457). */
export class Refusal extends Error {}

/** What is said where the service says nothing, or breaks off. */
export class Silence extends Refusal {
  constructor() {
    super("The service does not answer. Try again when it runs.");
  }
}

/** Fetch whatever the answer is. Throws Silence where there is none, and AbortError where the request was ended. */
export async function reach(path, options) {
  return fetch(path, options).catch(tellSilence);
}

/** Throw what an answer that did not come, or not to its end, means: Silence, or AbortError. */
export function tellSilence(error) {
  throw isEnded(error) ? error : new Silence();
}

/**
 * Send a request and return the answer. Throws Refusal, with words that can be shown, and AbortError where it was ended.
 * @param {string} method
 * @param {string} path
 * @param {object | Blob} [body] a Blob is sent as it is, anything else as JSON
 * @param {AbortSignal} [signal]
 * @returns {Promise<Response>}
 */
export async function send(method, path, body, signal) {
  const isFile = body instanceof Blob;
  const headers = body === undefined ? {} : { "Content-Type": isFile ? "image/png" : "application/json" };
  const sent = isFile || body === undefined ? body : JSON.stringify(body);
  const answer = await reach(path, { method, headers, signal, body: sent });
  if (answer.ok) return answer;
  const problem = await answer.json().catch(() => null);
  throw new Refusal(problem?.detail ?? `The service answered with status ${answer.status}.`);
}

/** Send a request and return the JSON of the answer. Throws Refusal. */
export async function ask(method, path, body, signal) {
  return (await send(method, path, body, signal)).json();
}

/** Return what makes signals, each of which ends the request before it: only the answer to the last one counts. */
export function onlyLast() {
  let asking = null;
  return () => {
    asking?.abort();
    asking = new AbortController();
    return asking.signal;
  };
}

/** Whether a request was ended because its answer counts no more. */
export function isEnded(error) {
  return error.name === "AbortError";
}
