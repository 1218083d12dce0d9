// For tests: a throw-away PostgreSQL server, by way of tests/support/postgres.sh. It goes when this does, or when the process does.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "pg/connection.h"

namespace remit::pg {

class TestServer {
 public:
  // `flags` as postgres.sh takes them, e.g. "--tls --set log_statement=all".
  explicit TestServer(const std::string& flags = {}) {
    char dir[] = "/tmp/remit-test-pg.XXXXXX";
    REMIT_CHECK(mkdtemp(dir) != nullptr);
    dir_ = dir;
    flags_ = flags + " --with " + std::to_string(getpid());
    Start();
  }
  ~TestServer() { Script("remove", ""); }
  TestServer(const TestServer&) = delete;
  TestServer& operator=(const TestServer&) = delete;

  void Start() { Script("start", flags_); }
  void Stop() { Script("stop", ""); }

  const std::string& Get(const std::string& key) const { return values_.at(key); }  // host, port, superuser, sockdir, log, data, sslrootcert
  const std::string& dir() const { return dir_; }
  std::uint16_t port() const { return static_cast<std::uint16_t>(std::stoi(Get("port"))); }

  // How to connect; as the superuser unless another is named. No time limit that a busy machine could hit.
  ConnectOptions Options(const std::string& database = "postgres", const std::string& user = "postgres", const Secret& password = {}) const {
    ConnectOptions options;
    options.host = Get("host");
    options.port = port();
    options.database = database;
    options.user = user;
    options.password = password;
    options.application_name = "test";
    options.connect_limit = std::chrono::seconds(30);
    if (values_.contains("sslrootcert") && user != "postgres") {
      options.sslmode = "verify-full";
      options.sslrootcert = Get("sslrootcert");
    }
    return options;
  }

  std::unique_ptr<Connection> Connect(const std::string& database = "postgres", const std::string& user = "postgres",
                                      const Secret& password = {}) const {
    auto connection = Connection::Open(Options(database, user, password));
    if (!connection) {
      std::fprintf(stderr, "%s\n", connection.error().ToString().c_str());
      std::abort();
    }
    return std::move(*connection);
  }

  // Runs a script as psql would, as the superuser, \connect included. Gives back what psql printed; aborts where it fails.
  std::string Psql(const std::string& script, const std::string& database = "postgres") const {
    const std::string file = dir_ + "/script.sql";
    std::FILE* out = std::fopen(file.c_str(), "w");
    REMIT_CHECK(out != nullptr);
    std::fwrite(script.data(), 1, script.size(), out);
    std::fclose(out);
    return Shell("psql -X -q -v ON_ERROR_STOP=1 -h " + Get("host") + " -p " + Get("port") + " -U postgres -d " + database + " -f " + file + " 2>&1");
  }

  std::string Log() const { return Shell("cat " + Get("log")); }

 private:
  static std::string Shell(const std::string& command) {
    std::FILE* pipe = popen(command.c_str(), "r");
    REMIT_CHECK(pipe != nullptr);
    std::string out;
    std::array<char, 4096> buffer{};
    while (const std::size_t n = std::fread(buffer.data(), 1, buffer.size(), pipe)) out.append(buffer.data(), n);
    if (pclose(pipe) != 0) {
      std::fprintf(stderr, "%s\n%s\n", command.c_str(), out.c_str());
      std::abort();
    }
    return out;
  }

  void Script(const std::string& command, const std::string& flags) {
    const std::string out = Shell(std::string(REMIT_SOURCE_DIR) + "/tests/support/postgres.sh " + command + " " + dir_ + " " + flags);
    for (std::size_t at = 0; at < out.size();) {
      const std::size_t end = out.find('\n', at);
      const std::string line = out.substr(at, end - at);
      if (const std::size_t equals = line.find('='); equals != std::string::npos) values_[line.substr(0, equals)] = line.substr(equals + 1);
      at = end == std::string::npos ? out.size() : end + 1;
    }
  }

  std::string dir_, flags_;
  std::map<std::string, std::string> values_;
};

}  // namespace remit::pg
