// A flow that became a WebSocket, and the calls that it carried.
import type { Flow } from "@/api/types";

/** By the upgrade of HTTP/1.1 (RFC 6455), or the extended CONNECT of HTTP/2 (RFC 8441). */
export function isSocket(flow: Pick<Flow, "method" | "status">): boolean {
  return flow.status === 101 || (flow.method === "CONNECT" && flow.status === 200);
}

/** The calls among the flows of its connection, the oldest first. */
export function callsOf(socket: Flow, flows: readonly Flow[]): Flow[] {
  return flows.filter((flow) => flow.method === "WS" && flow.path === socket.path).reverse();
}
