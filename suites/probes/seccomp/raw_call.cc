// SPDX-License-Identifier: Apache-2.0
#include "suites/probes/seccomp/raw_call.h"

// rcx and r11 are what the syscall instruction itself overwrites.
asm(R"(
  .text
  .globl lab_raw_call
  .type lab_raw_call, @function
  .globl lab_raw_call_behind
lab_raw_call:
  push %rbx
  mov %rdx, %rbx
  mov %rdi, %rax
  mov %rsi, %r11
  mov (%r11), %rdi
  mov 8(%r11), %rsi
  mov 16(%r11), %rdx
  mov 24(%r11), %r10
  mov 32(%r11), %r8
  mov 40(%r11), %r9
  syscall
lab_raw_call_behind:
  test %rax, %rax
  jnz 1f
  test %rbx, %rbx
  jz 1f
  mov $60, %eax   # exit
  xor %edi, %edi
  syscall
  ud2
1:
  pop %rbx
  ret
  .size lab_raw_call, . - lab_raw_call
)");
