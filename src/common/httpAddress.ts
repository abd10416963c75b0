import { inputError } from "./errors.js";

const IN_WORDS =
  "It is http://HOST:PORT or https://HOST, with NAME:PASSWORD@ before the host where one is needed; in both, write % as %25, @ as %40, / as %2F, # as %23 and a space as %20.";

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

/** An invalid URL as typed, without user name and password. */
export const withoutUser = (typed: string): string => typed.replace(/^.*@/s, "...@");

/** A server's address. @param label option, such as --track @throws inputError, without what may be a password */
export function httpAddress(label: string, typed: string): URL {
  const isPlain = /^https?:\/\/[^\s"'\\]+$/i.test(typed);
  const url = isPlain && URL.canParse(typed) ? new URL(typed) : undefined;
  if (url && isDecodable(url.username) && isDecodable(url.password)) return url;
  throw inputError(`${label} needs a URL; ${withoutUser(typed)} is not an http or https URL.`, IN_WORDS);
}
