// npm's `json-server`: a list at /ratings, filtered by query, paged with Link headers. Prints its port.
const fs = require("fs");
const server = require("json-server");

const app = server.create();
app.use(server.router({ ratings: JSON.parse(fs.readFileSync(process.argv[2], "utf8")) }));
const listener = app.listen(0, "127.0.0.1", () => console.log(JSON.stringify({ port: listener.address().port })));
process.stdin.on("end", () => process.exit(0)).resume();
