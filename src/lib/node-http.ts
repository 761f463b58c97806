/**
 * Node's `http`. An `import` of it reads each of its exports, `WebSocket` among them, and so loads the client behind `fetch`: 5 MB of memory
 * and 40 ms in each process (Node 24.21).
 */
export const http = process.getBuiltinModule('node:http');
