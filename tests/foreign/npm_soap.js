// A SOAP 1.1 and 1.2 service of npm's `soap`: document/literal, one string of XML in and out. Prints its port.
const http = require("http");
const fs = require("fs");
const soap = require("soap");
const escape = (text) => text.replace(/[<>&]/g, (sign) => ({ "<": "&lt;", ">": "&gt;", "&": "&amp;" })[sign]);

const records = JSON.parse(fs.readFileSync(process.argv[3], "utf8"));
const element = (text, name) => new RegExp(`<${name}>([^<]*)</${name}>`).exec(text)[1];

function listRatings({ token, xml }) {
  if (token !== "right") return { return: "<result><code>401</code></result>" };
  const [since, page, size] = [element(xml, "from"), +element(xml, "page"), +element(xml, "size")];
  const found = records.filter((each) => each.updatedAt >= since);
  const rows = found.slice((page - 1) * size, page * size).map(
    (each) => `<rating><id>${each.id}</id><updatedAt>${each.updatedAt}</updatedAt><text>${escape(each.text)}</text></rating>`,
  );
  return {
    return: `<result><code>0</code><total>${found.length}</total><ratings>${rows.join("")}</ratings></result>`,
  };
}

const wsdl = fs.readFileSync(process.argv[2], "utf8");
const service = { HotlineService: { HotlinePort: { listRatings } } };
const server = http.createServer((_, answer) => answer.writeHead(404).end());
server.listen(0, "127.0.0.1", () => {
  soap.listen(server, "/ws", service, wsdl);
  console.log(JSON.stringify({ port: server.address().port }));
});
process.stdin.on("end", () => process.exit(0)).resume();
