/** Requests to the service's own API. */

/** What the service says that is wrong: the detail of a problem document (RFC 9457). */
export class Refusal extends Error {}

/**
 * Send a request and return the answer. Throws Refusal, with words that can be shown.
 * @param {string} method
 * @param {string} path
 * @param {object | Blob} [body] a Blob is sent as it is, anything else as JSON
 * @returns {Promise<Response>}
 */
export async function send(method, path, body) {
  const isFile = body instanceof Blob;
  const headers = body === undefined ? {} : { "Content-Type": isFile ? "image/png" : "application/json" };
  let answer;
  try {
    answer = await fetch(path, { method, headers, body: isFile || body === undefined ? body : JSON.stringify(body) });
  } catch {
    throw new Refusal("The service does not answer. Try again when it runs.");
  }
  if (answer.ok) return answer;
  const problem = await answer.json().catch(() => null);
  throw new Refusal(problem?.detail ?? `The service answered with status ${answer.status}.`);
}

/** Send a request and return the JSON of the answer. Throws Refusal. */
export async function ask(method, path, body) {
  return (await send(method, path, body)).json();
}
