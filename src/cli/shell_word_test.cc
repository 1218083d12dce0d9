#include "cli/shell_word.h"

#include <gtest/gtest.h>

namespace remit::cli {
namespace {

TEST(ShellWordTest, WhatNoShellReadsAnythingIntoStandsAsItIs) {
  for (const char* plain : {"ci", "unix:/run/user/1000/remit.sock", "tsk_01k", "orders/public.invoices,x"}) EXPECT_EQ(ShellWord(plain), plain);
}

TEST(ShellWordTest, EverythingElseIsInSingleQuotes) {
  EXPECT_EQ(ShellWord("Employee::\"dana\""), "'Employee::\"dana\"'");
  EXPECT_EQ(ShellWord("a; rm -rf ~"), "'a; rm -rf ~'");
  EXPECT_EQ(ShellWord("$(id)`id`"), "'$(id)`id`'");
  EXPECT_EQ(ShellWord("~"), "'~'");
  EXPECT_EQ(ShellWord("=ls"), "'=ls'");  // zsh
  EXPECT_EQ(ShellWord(""), "''");
}

TEST(ShellWordTest, AQuoteInsideEndsNothing) { EXPECT_EQ(ShellWord("Employee::\"o'neil\""), "'Employee::\"o'\\''neil\"'"); }

TEST(ShellWordTest, NothingHidesInIt) {
  const std::string word = ShellWord("a\nrm -rf ~\x1b[2J");
  EXPECT_EQ(word.find_first_of("\n\x1b"), std::string::npos);
  EXPECT_EQ(word.front(), '\'');
}

}  // namespace
}  // namespace remit::cli
