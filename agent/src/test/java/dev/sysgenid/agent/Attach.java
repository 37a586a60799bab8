// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent;

import com.sun.tools.attach.VirtualMachine;

/** Loads the packaged agent into a running JVM. */
final class Attach {
    private Attach() {}

    static void to(Jvm jvm, String options) throws Exception {
        VirtualMachine machine = VirtualMachine.attach(Long.toString(jvm.pid()));
        try {
            machine.loadAgent(Jvm.JAR.toString(), options);
        } finally {
            machine.detach();
        }
    }
}
