// Node's own fetch follows HTTPS_PROXY from version 24 on; undici's agent does it on every version.
import { EnvHttpProxyAgent, fetch as proxied, setGlobalDispatcher } from 'undici';

/** Makes every fetch follow the environment's proxy, when there is one. */
export function followProxy() {
  if (!process.env.HTTPS_PROXY) return undefined;
  setGlobalDispatcher(new EnvHttpProxyAgent());
  globalThis.fetch = proxied;
  return proxied;
}
