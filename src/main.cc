#include "cli/command.h"

int main(int argc, char** argv) { return remit::cli::Main(argc, argv); }
