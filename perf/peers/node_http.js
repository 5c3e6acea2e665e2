// node's own HTTP server, answering the body of a file: node_http.js RESPONSE_FILE; prints the port that it listens on.
"use strict";
const fs = require("fs");
const http = require("http");

const text = fs.readFileSync(process.argv[2]).toString("latin1");
const end = text.indexOf("\r\n\r\n");
const body = Buffer.from(text.slice(end + 4), "latin1");
const type = /^Content-Type: (.*)$/im.exec(text.slice(0, end))[1];
const head = { "Content-Type": type, "Content-Length": body.length, "Cache-Control": "no-cache" };

const server = http.createServer((request, response) => {
    response.writeHead(200, head);
    response.end(body);
});
server.keepAliveTimeout = 3600 * 1000;
server.requestTimeout = server.headersTimeout = 0;
server.listen(0, "127.0.0.1", 4096, () => console.log(server.address().port));
