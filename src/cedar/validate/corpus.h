// The conformance tests of the reference implementation, read into memory: for tests only. What is not there cannot be tested; see IsThere.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>

namespace remit::cedar {

class Corpus {
 public:
  static std::filesystem::path Archive() { return std::filesystem::path(REMIT_SOURCE_DIR).parent_path() / "shared/data/cedar/corpus.tar.xz"; }
  static bool IsThere() { return std::filesystem::exists(Archive()); }

  // Files by their name without folders, of the tests whose name begins with a character of `first`.
  explicit Corpus(std::string_view first) {
    const std::string tar = Unpack();
    for (std::size_t at = 0; at + kBlock <= tar.size();) {
      const std::string_view header = std::string_view(tar).substr(at, kBlock);
      const std::string path(header.substr(0, header.substr(0, 100).find('\0')));
      const auto size = static_cast<std::size_t>(std::strtoull(std::string(header.substr(124, 12)).c_str(), nullptr, 8));
      const std::string name = path.substr(path.rfind('/') + 1);
      at += kBlock;
      if (!name.empty() && header[156] != '5' && first.contains(name.front())) files_[name] = tar.substr(at, size);
      at += (size + kBlock - 1) / kBlock * kBlock;
    }
  }

  const std::map<std::string, std::string>& files() const { return files_; }
  // Null where there is no such file.
  const std::string* Find(const std::string& name) const {
    const auto found = files_.find(name);
    return found == files_.end() ? nullptr : &found->second;
  }

 private:
  static constexpr std::size_t kBlock = 512;

  static std::string Unpack() {
    const std::string command = "xz -dc '" + Archive().string() + "'";
    FILE* pipe = popen(command.c_str(), "r");
    EXPECT_NE(pipe, nullptr);
    std::string tar;
    std::array<char, 1 << 16> buffer;
    while (const std::size_t got = std::fread(buffer.data(), 1, buffer.size(), pipe)) tar.append(buffer.data(), got);
    EXPECT_EQ(pclose(pipe), 0);
    return tar;
  }

  std::map<std::string, std::string> files_;
};

}  // namespace remit::cedar
