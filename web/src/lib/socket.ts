// A flow that became a WebSocket, and the calls that it carried.
import type { Flow } from "@/api/types";

/** By the upgrade of HTTP/1.1 (RFC 6455), or the extended CONNECT of HTTP/2 (RFC 8441). */
export function isSocket(flow: Pick<Flow, "method" | "status">): boolean {
  if (flow.method === "CONNECT") {
    return flow.status === 200;
  }
  // A call that it carried has its status.
  return flow.status === 101 && flow.method !== "WS";
}

/** The calls among the flows of its connection, the oldest first. */
export function callsOf(socket: Flow, flows: readonly Flow[]): Flow[] {
  return flows.filter((flow) => flow.method === "WS" && flow.path === socket.path).reverse();
}
