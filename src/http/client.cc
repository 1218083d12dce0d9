#include "http/client.h"

#include <algorithm>
#include <atomic>
#include <thread>

#include <curl/curl.h>
#include <fmt/format.h>

#include "base/text.h"

namespace remit::http {
namespace {

struct FreeEasy {
  void operator()(CURL* easy) const { ::curl_easy_cleanup(easy); }
};
struct FreeMulti {
  void operator()(CURLM* multi) const { ::curl_multi_cleanup(multi); }
};
using Easy = std::unique_ptr<CURL, FreeEasy>;
using Multi = std::unique_ptr<CURLM, FreeMulti>;

Easy NewEasy() {
  static const bool ready = ::curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  REMIT_CHECK(ready);
  Easy easy(::curl_easy_init());
  REMIT_CHECK(easy != nullptr);
  return easy;
}

// Headers in libcurl's form. Wiped at the end: one may carry a token.
class HeaderList {
 public:
  HeaderList() = default;
  HeaderList(const HeaderList&) = delete;
  HeaderList& operator=(const HeaderList&) = delete;
  ~HeaderList() {
    for (curl_slist* at = list_; at; at = at->next) WipeMemory(at->data, std::string_view(at->data).size());
    ::curl_slist_free_all(list_);
  }
  void Add(std::string line) {
    list_ = ::curl_slist_append(list_, line.c_str());
    WipeMemory(line.data(), line.size());
  }
  curl_slist* get() const { return list_; }

 private:
  curl_slist* list_ = nullptr;
};

bool MayBeInHeader(std::string_view text) {
  return std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

// What one call fills.
struct Transfer {
  ClientResponse response;
  std::size_t max_body_bytes = 0;
  std::size_t header_bytes = 0;
  bool too_large = false;
  std::function<void(std::string_view)> on_data;  // set: the body is not kept
  std::function<void(const ClientResponse&)> on_head;
  char error[CURL_ERROR_SIZE] = {};

  static std::size_t OnHeader(char* data, std::size_t size, std::size_t count, void* self) {
    return static_cast<Transfer*>(self)->Header(std::string_view(data, size * count));
  }
  static std::size_t OnBody(char* data, std::size_t size, std::size_t count, void* self) {
    return static_cast<Transfer*>(self)->Body(std::string_view(data, size * count));
  }

  std::size_t Header(std::string_view line) {
    header_bytes += line.size();
    if (header_bytes > limits::kHttpHeaderBytes * 4) return too_large = true, 0;
    if (line.starts_with("HTTP/")) {
      response.headers.clear();
      const std::size_t space = line.find(' ');
      response.status = space == std::string_view::npos ? 0 : std::atoi(std::string(line.substr(space + 1, 3)).c_str());
    } else if (const std::size_t colon = line.find(':'); colon != std::string_view::npos) {
      std::string name(line.substr(0, colon));
      std::ranges::transform(name, name.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
      response.headers.push_back({std::move(name), std::string(Trim(line.substr(colon + 1)))});
    } else if (Trim(line).empty() && response.status >= 200 && on_head) {
      on_head(response);
    }
    return line.size();
  }

  std::size_t Body(std::string_view data) {
    if (on_data) return on_data(data), data.size();
    if (data.size() > max_body_bytes - response.body.size()) return too_large = true, 0;
    response.body += data;
    return data.size();
  }
};

int OnProgress(void* given_up, curl_off_t, curl_off_t, curl_off_t, curl_off_t) { return *static_cast<const std::atomic<bool>*>(given_up) ? 1 : 0; }

long Milliseconds(Duration d) { return static_cast<long>(std::max<std::int64_t>((d.count() + 999) / 1000, 1)); }

std::unexpected<Error> Failure(CURLcode code, const Transfer& call, const ClientOptions& options) {
  const std::string where = options.unix_socket.empty() ? options.base_url : "unix:" + options.unix_socket;
  const std::string why = call.error[0] ? call.error : ::curl_easy_strerror(code);
  const auto fail = [&](Code kind, std::string_view reason) { return Fail(kind, reason, fmt::format("`{}`: {}", where, EscapeControl(why))); };
  if (call.too_large) return Fail(Code::kResourceExhausted, "response-too-large", fmt::format("`{}` answered with more than is taken", where));
  switch (code) {
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST: return fail(Code::kUnavailable, "cannot-connect");
    case CURLE_OPERATION_TIMEDOUT: return fail(Code::kDeadlineExceeded, "call-timeout");
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CIPHER: return fail(Code::kUnavailable, "bad-certificate");
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_ABORTED_BY_CALLBACK:
    case CURLE_PARTIAL_FILE: return fail(Code::kUnavailable, "connection-lost");
    default: return fail(Code::kInternal, "bad-response");
  }
}

Status CheckRequest(const ClientRequest& request) {
  bool sound = request.path.starts_with('/') && MayBeInHeader(request.path) && request.path.find_first_of(" #") == std::string::npos;
  sound =
      sound && MayBeInHeader(request.method) && MayBeInHeader(request.content_type) && (!request.bearer || MayBeInHeader(request.bearer->Reveal()));
  for (const Header& header : request.headers) sound = sound && MayBeInHeader(header.name) && MayBeInHeader(header.value);
  if (sound) return {};
  return Fail(Code::kInvalidArgument, "bad-request",
              fmt::format("`{} {}` cannot be sent as it is", EscapeControl(request.method), EscapeControl(request.path)));
}

// Everything about the call but its time limit. What is pointed to must live as long as the call.
void Prepare(CURL* easy, const ClientOptions& options, const ClientRequest& request, HeaderList& headers, Transfer& call) {
  ::curl_easy_reset(easy);  // keeps the connection
  const auto set = [easy](CURLoption option, auto value) { REMIT_CHECK(::curl_easy_setopt(easy, option, value) == CURLE_OK); };
  set(CURLOPT_URL, (options.base_url + request.path).c_str());
  set(CURLOPT_PATH_AS_IS, 1L);
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_PROXY, "");  // whatever the environment says
  set(CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_TCP_NODELAY, 1L);
  set(CURLOPT_CONNECTTIMEOUT_MS, Milliseconds(options.connect_timeout));
  set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  set(CURLOPT_ERRORBUFFER, call.error);
  if (!options.unix_socket.empty()) set(CURLOPT_UNIX_SOCKET_PATH, options.unix_socket.c_str());
  if (!options.ca_file.empty()) {
    set(CURLOPT_CAINFO, options.ca_file.c_str());
    set(CURLOPT_CAPATH, nullptr);
  }
  if (!options.certificate_file.empty()) {
    set(CURLOPT_SSLCERT, options.certificate_file.c_str());
    set(CURLOPT_SSLKEY, options.key_file.c_str());
  }
  if (options.given_up) {
    set(CURLOPT_NOPROGRESS, 0L);
    set(CURLOPT_XFERINFOFUNCTION, &OnProgress);
    set(CURLOPT_XFERINFODATA, const_cast<void*>(static_cast<const void*>(options.given_up.get())));
  }
  set(CURLOPT_HEADERFUNCTION, &Transfer::OnHeader);
  set(CURLOPT_HEADERDATA, static_cast<void*>(&call));
  set(CURLOPT_WRITEFUNCTION, &Transfer::OnBody);
  set(CURLOPT_WRITEDATA, static_cast<void*>(&call));
  if (!request.body.empty() || request.method == "POST" || request.method == "PUT") {
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    set(CURLOPT_POSTFIELDS, request.body.c_str());
  }
  if (request.method == "HEAD") set(CURLOPT_NOBODY, 1L);
  set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
  headers.Add("Expect:");  // our bodies are small: never wait for 100 Continue
  headers.Add(request.content_type.empty() ? "Content-Type:" : "Content-Type: " + request.content_type);
  for (const Header& header : request.headers) headers.Add(header.name + ": " + header.value);
  if (request.bearer) headers.Add(fmt::format("Authorization: Bearer {}", request.bearer->Reveal()));
  set(CURLOPT_HTTPHEADER, headers.get());
}

// A held GET on a thread of its own. A multi handle is used because it alone can be woken from another thread.
class Held final : public HeldGet {
 public:
  Held(ClientOptions options, ClientRequest request, HeldCallbacks callbacks)
      : options_(std::move(options)), request_(std::move(request)), callbacks_(std::move(callbacks)), easy_(NewEasy()), multi_(::curl_multi_init()) {
    REMIT_CHECK(multi_ != nullptr);
    call_.on_head = callbacks_.on_head;
    call_.on_data = [this](std::string_view data) {
      if (callbacks_.on_data && !closing_) callbacks_.on_data(data);
    };
    Prepare(easy_.get(), options_, request_, headers_, call_);
    REMIT_CHECK(::curl_multi_add_handle(multi_.get(), easy_.get()) == CURLM_OK);
    thread_ = std::thread([this]() noexcept { Run(); });
  }

  ~Held() override { Close(); }

  void Close() override {
    closing_ = true;
    ::curl_multi_wakeup(multi_.get());
    const std::lock_guard lock(join_);
    if (thread_.joinable()) thread_.join();
  }

 private:
  void Run() {
    int running = 1;
    while (running > 0 && !closing_) {
      if (::curl_multi_perform(multi_.get(), &running) != CURLM_OK) break;
      if (running > 0 && !closing_) ::curl_multi_poll(multi_.get(), nullptr, 0, 60'000, nullptr);
    }
    CURLcode result = CURLE_RECV_ERROR;
    int left = 0;
    while (const CURLMsg* message = ::curl_multi_info_read(multi_.get(), &left)) {
      if (message->msg == CURLMSG_DONE) result = message->data.result;
    }
    // The connection ends here and not with the object: Close() promises it.
    ::curl_multi_remove_handle(multi_.get(), easy_.get());
    easy_.reset();
    if (closing_ || !callbacks_.on_end) return;
    callbacks_.on_end(result == CURLE_OK ? Status() : Status(Failure(result, call_, options_)));
  }

  const ClientOptions options_;
  const ClientRequest request_;
  const HeldCallbacks callbacks_;
  HeaderList headers_;
  Transfer call_;
  Easy easy_;
  Multi multi_;
  std::atomic<bool> closing_ = false;
  std::mutex join_;
  std::thread thread_;
};

}  // namespace

struct Client::Impl {
  ClientOptions options;
  Easy easy = NewEasy();
};

std::optional<std::string_view> ClientResponse::Find(std::string_view name) const {
  for (const Header& header : headers) {
    if (EqualsIgnoringCase(header.name, name)) return header.value;
  }
  return std::nullopt;
}

Client::Client(ClientOptions options) : impl_(std::make_unique<Impl>()) { impl_->options = std::move(options); }
Client::~Client() = default;
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;

Result<ClientResponse> Client::Call(const ClientRequest& request) {
  REMIT_TRY(CheckRequest(request));
  HeaderList headers;
  Transfer call;
  call.max_body_bytes = impl_->options.max_body_bytes;
  Prepare(impl_->easy.get(), impl_->options, request, headers, call);
  ::curl_easy_setopt(impl_->easy.get(), CURLOPT_TIMEOUT_MS, Milliseconds(impl_->options.timeout));
  const CURLcode result = ::curl_easy_perform(impl_->easy.get());
  if (result != CURLE_OK) return Failure(result, call, impl_->options);
  return std::move(call.response);
}

Result<ClientResponse> Client::Get(std::string path) { return Call({.path = std::move(path)}); }

Result<std::unique_ptr<HeldGet>> Client::Hold(const ClientRequest& request, HeldCallbacks callbacks) const {
  REMIT_TRY(CheckRequest(request));
  return std::make_unique<Held>(impl_->options, request, std::move(callbacks));
}

}  // namespace remit::http
