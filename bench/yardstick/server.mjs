// The yardstick of scripts/bench: oidc-provider, an OAuth server of others, as it comes: its own adapter in memory, no logging, tokens that
// are opaque and good for one resource server. Prints its port, and ends with its standard input.
import { Provider } from "oidc-provider";

const provider = new Provider("http://127.0.0.1", {
  clients: [
    {
      client_id: "bench",
      client_secret: "bench",
      token_endpoint_auth_method: "client_secret_post",
      grant_types: ["client_credentials"],
      response_types: [],
      redirect_uris: [],
    },
  ],
  features: {
    clientCredentials: { enabled: true },
    introspection: { enabled: true },
    revocation: { enabled: true },
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => "urn:bench",
      getResourceServerInfo: () => ({ scope: "read", accessTokenFormat: "opaque" }),
    },
  },
});

const server = provider.listen(0, "127.0.0.1", () => console.log(server.address().port));
process.stdin.on("end", () => process.exit(0)).resume();
