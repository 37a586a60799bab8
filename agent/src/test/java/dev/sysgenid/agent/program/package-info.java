// SPDX-License-Identifier: Apache-2.0
/** Programs that the tests start in JVMs of their own, with the agent and without. They do not know of it. */
package dev.sysgenid.agent.program;
